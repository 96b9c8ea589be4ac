"""The comparison alone: what differs now, with nothing changed here or there."""

from __future__ import annotations

from datetime import datetime

from algotrendy.trading.broker import BrokerGateway
from apps.brokers.models import BrokerConnection
from apps.brokers.selectors import gateway_of
from apps.marketdata.models import Instrument
from apps.orders.models import Fill
from apps.orders.services.venue.executions import trade_key
from apps.orders.services.venue.following import AT_VENUE
from apps.orders.services.venue.recognizing import Recognized, orders_at

from .differences import Difference, DifferenceKind, ended, strange_trade, stranger
from .holdings import holdings_compare
from .scope import horizon_of, instruments_of, since_of


def connection_compare(*, connection: BrokerConnection) -> list[Difference]:
    """Return what differs between the platform and the connection's venue; raises BrokerUnavailable."""
    gateway = gateway_of(connection)
    instruments = instruments_of(connection)
    found: list[Difference] = []
    for instrument in instruments:
        found += _orders(connection, instrument, gateway)
        found += _fills(connection, instrument, gateway, horizon_of(connection))
    return [*found, *holdings_compare(connection, instruments, gateway)]


def _orders(connection: BrokerConnection, instrument: Instrument, gateway: BrokerGateway) -> list[Difference]:
    before = list(orders_at(connection, instrument).filter(status__in=AT_VENUE).order_by("created_at", "id"))
    open_orders = gateway.fetch_open_orders(instrument.symbol)
    ours = Recognized(connection, instrument, open_orders)
    listed = {order.pk for venue_order in open_orders if (order := ours.order_of(venue_order)) is not None}
    found = [stranger(each, "It is not ours.") for each in open_orders if ours.order_of(each) is None]
    return found + [
        ended(order, gateway.fetch_order(order.client_order_id, instrument.symbol))
        for order in before
        if order.pk not in listed
    ]


def _fills(
    connection: BrokerConnection, instrument: Instrument, gateway: BrokerGateway, horizon: datetime | None
) -> list[Difference]:
    trades = gateway.fetch_trades(instrument.symbol, since_of(connection, instrument))
    ours = Recognized(connection, instrument, trades)
    keys = {trade_key(trade, gateway.traits): trade for trade in trades}
    known = set(
        Fill.objects.filter(connection=connection, exchange_trade_id__in=keys).values_list(
            "exchange_trade_id", flat=True
        )
    )
    found = []
    for key, trade in keys.items():
        order = ours.order_of(trade)
        if order is None and horizon is not None and trade.at >= horizon:
            found.append(strange_trade(trade, "Its order is not ours."))
        elif order is not None and key not in known:
            what = f"{instrument} {order.client_order_id}"
            there = f"{trade.side} {trade.quantity:f} at {trade.price:f}"
            found.append(Difference(DifferenceKind.FILL, what, "missing", there))
    return found
