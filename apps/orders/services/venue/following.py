"""Following orders that work at a venue: what was filled of them and how they ended, in few questions."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db.models import Max
from django.utils import timezone

from algotrendy.trading.broker import BrokerGateway, VenueOrder, VenueTrade
from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable
from algotrendy.trading.orders import OrderStatus
from apps.brokers.models import BrokerConnection, BrokerKind
from apps.brokers.selectors import gateway_of
from apps.marketdata.models import Instrument
from apps.orders.models import Fill, Order
from apps.orders.selectors import working_orders
from apps.orders.services.venue.executions import trade_apply, trade_key
from apps.orders.services.venue.locking import FOLLOWING, connection_lock
from apps.orders.services.venue.recognizing import Recognized, orders_at
from apps.orders.services.venue.truth import venue_order_apply
from apps.orders.services.venue.unknown import order_unknown

log = structlog.get_logger(__name__)
AT_VENUE = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
OVERLAP = timedelta(minutes=1)
"""How far before the last known execution a venue is asked for more: some list them late."""
NO_PROOF = "cannot_be_proved"
"""The code of a venue that lists no such order and cannot say whether it has one."""


@dataclass(slots=True)
class Followed:
    """What one look at an instrument's orders brought, and what of it the platform does not know."""

    checked: int = 0
    fills: int = 0
    resolved: int = 0
    strangers: list[VenueOrder] = field(default_factory=list)
    strange_trades: list[VenueTrade] = field(default_factory=list)


def connections_to_follow() -> list[uuid.UUID]:
    """Return the connections of real venues at which orders work."""
    rows = working_orders().filter(status__in=AT_VENUE, portfolio__connection__is_active=True)
    rows = rows.exclude(portfolio__connection__kind=BrokerKind.PAPER).order_by()
    return list(rows.values_list("portfolio__connection", flat=True).distinct())


def connection_follow(*, connection_id: uuid.UUID) -> int:
    """Ask a venue what became of the orders that work there; return how many fills that brought.

    One worker at a time asks for a connection; a venue that does not answer is asked again later.
    """
    connection = BrokerConnection.objects.get(pk=connection_id)
    fills = 0
    with connection_lock(FOLLOWING, connection.pk) as is_ours:
        if not is_ours:
            return 0
        gateway = gateway_of(connection)
        try:
            for instrument in _instruments(connection):
                fills += symbol_follow(connection, instrument, gateway).fills
        except (BrokerUnavailable, BrokerRejected) as error:
            log.warning("orders_not_followed", connection=str(connection.pk), error=error.message)
    return fills


def _instruments(connection: BrokerConnection) -> list[Instrument]:
    at_work = working_orders().filter(status__in=AT_VENUE, portfolio__connection=connection).values("instrument")
    return list(Instrument.objects.filter(pk__in=at_work).order_by("symbol"))


def symbol_follow(
    connection: BrokerConnection, instrument: Instrument, gateway: BrokerGateway, *, since: datetime | None = None
) -> Followed:
    """Bring the connection's orders in an instrument to what the venue says of them.

    An order that was at work before the venue was asked for open ones and is not among them is asked about by its id.
    Raises BrokerUnavailable.
    """
    before = list(orders_at(connection, instrument).filter(status__in=AT_VENUE).order_by("created_at", "id"))
    open_orders = gateway.fetch_open_orders(instrument.symbol)
    trades = gateway.fetch_trades(instrument.symbol, since or _since(connection, instrument, before))
    found = Followed(checked=len(before))
    _apply_trades(connection, instrument, trades, gateway, found)
    listed = _apply_open(connection, instrument, open_orders, gateway, found)
    Order.objects.filter(pk__in=listed).update(synced_at=timezone.now())
    for order in before:
        if order.pk not in listed:
            _resolve(order.pk, gateway, found)
    return found


def _since(connection: BrokerConnection, instrument: Instrument, working: list[Order]) -> datetime | None:
    """Return from when executions may be unknown; None for all that the venue has."""
    fills = Fill.objects.filter(connection=connection, order__instrument=instrument, is_inferred=False)
    newest = fills.aggregate(newest=Max("executed_at"))["newest"]
    if newest is None:
        times = [order.submitted_at for order in working if order.submitted_at is not None]
        newest = None if connection.is_paper else min(times, default=timezone.now())
    return None if newest is None else newest - OVERLAP


def _apply_trades(
    connection: BrokerConnection,
    instrument: Instrument,
    trades: list[VenueTrade],
    gateway: BrokerGateway,
    found: Followed,
) -> None:
    keys = [trade_key(trade, gateway.traits) for trade in trades]
    known = set(
        Fill.objects.filter(connection=connection, exchange_trade_id__in=keys).values_list(
            "exchange_trade_id", "order_id"
        )
    )
    ours = Recognized(connection, instrument, trades)
    for trade, key in zip(trades, keys, strict=True):
        order = ours.order_of(trade)
        if order is None:
            found.strange_trades.append(trade)
        elif (key, order.pk) not in known:
            before = order.fills.count()
            trade_apply(order=order, trade=trade, traits=gateway.traits)
            found.fills += order.fills.count() - before


def _apply_open(
    connection: BrokerConnection,
    instrument: Instrument,
    open_orders: list[VenueOrder],
    gateway: BrokerGateway,
    found: Followed,
) -> set[uuid.UUID]:
    """Take over what open orders have become; return the platform's among them."""
    ours = Recognized(connection, instrument, open_orders)
    listed = set()
    for venue_order in open_orders:
        order = ours.order_of(venue_order)
        if order is None:
            found.strangers.append(venue_order)
            continue
        listed.add(order.pk)
        if order.status in AT_VENUE and venue_order.filled_quantity <= order.filled_quantity:
            continue
        fills = order.fills.count()
        if order.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.FILLED):
            _end_again(order, gateway)
        else:
            venue_order_apply(order=order, venue_order=venue_order, gateway=gateway)
            found.resolved += 1
        found.fills += order.fills.count() - fills
    return listed


def _end_again(order: Order, gateway: BrokerGateway) -> None:
    """End at the venue what has ended here, unless the list that names it was old."""
    venue_order = gateway.fetch_order(order.client_order_id, order.instrument.symbol)
    if venue_order is not None and venue_order.status.is_working:
        log.warning("ended_order_is_open_at_venue", order=str(order.pk), status=order.status)
        try:
            venue_order = gateway.cancel_order(order.client_order_id, order.instrument.symbol)
        except BrokerRejected as error:
            log.warning("cancel_refused", order=str(order.pk), error=error.message)
    if venue_order is not None:
        venue_order_apply(order=order, venue_order=venue_order, gateway=gateway)


def _resolve(order_id: uuid.UUID, gateway: BrokerGateway, found: Followed) -> None:
    """Ask about an order that is not among the open ones any more."""
    order = Order.objects.select_related("portfolio__connection", "instrument", "strategy").get(pk=order_id)
    if order.status not in AT_VENUE:
        return
    asked_at = timezone.now()
    fills, status = order.fills.count(), order.status
    try:
        venue_order = gateway.fetch_order(order.client_order_id, order.instrument.symbol)
    except BrokerUnavailable as error:
        if error.code != NO_PROOF:
            raise
        log.warning("order_not_found_and_not_disproved", order=str(order.pk), error=error.message)
        return
    if venue_order is None:
        after = order_unknown(order=order, gateway=gateway, asked_at=asked_at)
    else:
        after = venue_order_apply(order=order, venue_order=venue_order, gateway=gateway)
    found.fills += order.fills.count() - fills
    found.resolved += after.status != status
