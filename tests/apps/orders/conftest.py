"""What the tests of orders share: a market that is stepped, a venue that can do little, the exchange on loopback."""

from __future__ import annotations

from dataclasses import replace

import pytest

from algotrendy.trading.broker import VenueTraits
from algotrendy.trading.values import OrderType
from apps.accounts.models import User
from apps.brokers import selectors as brokers
from apps.brokers.adapters.paper import PAPER_TRAITS
from apps.brokers.models import BrokerKind
from tests.apps.brokers.conftest import loopback, venue
from tests.apps.orders.exchange_desk import ExchangeDesk
from tests.apps.orders.stepping import Stepped
from tests.exchange.trading import TradingVenue

__all__ = ["loopback", "venue"]


@pytest.fixture
def stepped(trader: User) -> Stepped:
    return Stepped(trader)


@pytest.fixture
def poor_venue(monkeypatch: pytest.MonkeyPatch) -> VenueTraits:
    """Let the venue know no groups, make no order smaller and rest no trailing stops, as an exchange may."""
    rests = frozenset(OrderType) - {OrderType.TRAILING_STOP}
    traits = replace(PAPER_TRAITS, groups=False, reduces=False, rests=rests)
    monkeypatch.setitem(brokers._TRAITS, BrokerKind.PAPER, traits)
    return traits


@pytest.fixture
def exchange_desk(trader: User, venue: TradingVenue) -> ExchangeDesk:
    return ExchangeDesk(trader, venue)
