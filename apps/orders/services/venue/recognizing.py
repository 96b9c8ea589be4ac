"""Which of the platform's orders a venue speaks of."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from algotrendy.trading.broker import VenueOrder, VenueTrade
from apps.brokers.models import BrokerConnection
from apps.marketdata.models import Instrument
from apps.orders.models import Order


class Recognized:
    """The platform's orders among those of which a venue speaks, by either id.

    Exchanges number the orders of each symbol apart, so that an exchange's id counts within an instrument only.
    """

    def __init__(
        self, connection: BrokerConnection, instrument: Instrument, named: Iterable[VenueOrder | VenueTrade]
    ) -> None:
        rows = list(named)
        client_ids = {row.client_order_id for row in rows} - {""}
        exchange_ids = {row.exchange_order_id for row in rows} - {""}
        orders = orders_at(connection, instrument).filter(
            Q(client_order_id__in=client_ids) | Q(exchange_order_id__in=exchange_ids)
        )
        self.by_client_id: dict[str, Order] = {}
        self.by_exchange_id: dict[str, Order] = {}
        for order in orders:
            self.by_client_id[order.client_order_id] = order
            if order.exchange_order_id:
                self.by_exchange_id[order.exchange_order_id] = order

    def order_of(self, named: VenueOrder | VenueTrade) -> Order | None:
        """Return the order that is meant, or None for a stranger's."""
        return self.by_client_id.get(named.client_order_id) or self.by_exchange_id.get(named.exchange_order_id)


def orders_at(connection: BrokerConnection, instrument: Instrument) -> QuerySet[Order]:
    """Return the orders that belong to a connection's venue in an instrument, simulations' apart."""
    return Order.objects.filter(
        portfolio__connection=connection, portfolio__is_simulation=False, instrument=instrument
    ).select_related("portfolio__connection", "instrument", "strategy")
