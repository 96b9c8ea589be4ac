"""Which connections a user has, and the gateway of each."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import QuerySet

from algotrendy.trading.broker import BrokerGateway, VenueTraits
from algotrendy.trading.values import OrderType
from apps.accounts.models import User
from apps.brokers.adapters.counted import CountedGateway
from apps.brokers.adapters.exchange import CcxtGateway, exchange_traits
from apps.brokers.adapters.paper import PAPER_TRAITS, PaperGateway
from apps.brokers.models import BrokerConnection, BrokerKind

_GATEWAYS: dict[BrokerKind, Callable[[BrokerConnection], BrokerGateway]] = {
    BrokerKind.PAPER: PaperGateway,
    BrokerKind.CCXT: CcxtGateway,
}


def connections_of(user: User) -> QuerySet[BrokerConnection]:
    """Return the connections that the user may see: their own, an administrator all."""
    connections = BrokerConnection.objects.select_related("owner")
    return connections if user.is_admin else connections.filter(owner=user)


def traits_of(connection: BrokerConnection) -> VenueTraits:
    """Return what the connection's venue can do by itself, without asking it: an exchange told when it was tested."""
    return PAPER_TRAITS if connection.is_paper else exchange_traits(connection.test_result.get("rests", ()))


def types_that_rest(connection: BrokerConnection) -> frozenset[OrderType]:
    """Ask the connection's venue which types of order rest there; workers only."""
    return PAPER_TRAITS.rests if connection.is_paper else CcxtGateway(connection).types_that_rest()


def gateway_of(connection: BrokerConnection) -> BrokerGateway:
    """Return the connection's venue, with every call to it counted."""
    return CountedGateway(connection.kind, _GATEWAYS[BrokerKind(connection.kind)](connection))
