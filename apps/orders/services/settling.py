"""Settling with the venue: what is committed here is told there, and asked about before it is told again."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from algotrendy.trading.broker import BrokerGateway, OrderRequest, VenueOrder, VenueTraits
from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import OrderType, Side, TimeInForce
from apps.brokers.selectors import gateway_of, traits_of
from apps.orders import metrics
from apps.orders.models import Order
from apps.orders.selectors import UNSETTLED, working_orders
from apps.orders.services.steps import order_lock, order_lock_linked, order_step

log = structlog.get_logger(__name__)
STRAY_AFTER = timedelta(seconds=5)


def orders_settle(orders: Iterable[Order]) -> int:
    """Settle each order with its venue; return how many there were."""
    count = 0
    for count, order in enumerate(orders, start=1):  # noqa: B007
        order_settle(order_id=order.pk)
    return count


def strays_settle() -> int:
    """Settle the orders that a lost task, a killed worker or a venue's silence left behind."""
    before = timezone.now() - STRAY_AFTER
    return orders_settle(working_orders().filter(UNSETTLED, updated_at__lt=before).order_by("created_at", "id"))


def order_settle(*, order_id: uuid.UUID) -> Order:
    """Bring the venue in line with what was committed: send, resolve, cancel or reduce; any number of times.

    Where the venue gives no definite answer the order stays as it is, to be asked about again.
    """
    order, is_fresh = _claim(order_id)
    gateway = gateway_of(order.portfolio.connection)
    try:
        if order.status == OrderStatus.SUBMITTED:
            order = _send_or_adopt(order, gateway, is_fresh=is_fresh)
        if OrderStatus(order.status).is_working and order.cancel_requested_at is not None:
            order = _cancel(order, gateway)
        if OrderStatus(order.status).is_working and order.requested_quantity is not None:
            order = _reduce(order, gateway)
    except BrokerUnavailable as error:
        log.warning("venue_unavailable", order=str(order_id), error=error.message)
    return order


@transaction.atomic
def _claim(order_id: uuid.UUID) -> tuple[Order, bool]:
    """Take a pending order for sending; tell whether this call took it. One canceled meanwhile is never sent."""
    order = order_lock(order_id)
    if order.status != OrderStatus.PENDING:
        return order, False
    if order.cancel_requested_at is not None:
        return order_step(order=order, kind="canceled", to=OrderStatus.CANCELED), False
    return order_step(order=order, kind="submitted", to=OrderStatus.SUBMITTED), True


def _send_or_adopt(order: Order, gateway: BrokerGateway, *, is_fresh: bool) -> Order:
    """Send an order; one that was claimed before may be at the venue already, which is asked first."""
    try:
        known = None if is_fresh else gateway.fetch_order(order.client_order_id, order.instrument.symbol)
        venue_order = known or gateway.submit_order(_request(order))
    except BrokerRejected as error:
        return _rejected(order.pk, error)
    return _accepted(order.pk, venue_order)


@transaction.atomic
def _accepted(order_id: uuid.UUID, venue_order: VenueOrder) -> Order:
    order = order_lock(order_id) if venue_order.status.is_working else order_lock_linked(order_id)
    if order.status != OrderStatus.SUBMITTED:
        return order  # A fill was quicker than the acknowledgment.
    order.exchange_order_id = venue_order.exchange_order_id
    to = OrderStatus.OPEN if venue_order.status.is_working else venue_order.status
    if to is OrderStatus.FILLED:
        return order  # Its fills tell the rest.
    return order_step(order=order, kind="accepted", to=to, detail={"exchange_order_id": order.exchange_order_id})


@transaction.atomic
def _rejected(order_id: uuid.UUID, error: BrokerRejected) -> Order:
    order = order_lock_linked(order_id)
    if order.status != OrderStatus.SUBMITTED:
        return order
    metrics.count_rejected(error.code)
    return order_step(
        order=order, kind="rejected", to=OrderStatus.REJECTED, reason_code=error.code, reason=error.message
    )


def _cancel(order: Order, gateway: BrokerGateway) -> Order:
    try:
        venue_order = gateway.cancel_order(order.client_order_id, order.instrument.symbol)
    except BrokerRejected as error:
        log.warning("cancel_refused", order=str(order.pk), error=error.message)
        return order
    with transaction.atomic():
        order = order_lock_linked(order.pk)
        if not OrderStatus(order.status).is_working or venue_order.status is not OrderStatus.CANCELED:
            return order
        return order_step(order=order, kind="canceled", to=OrderStatus.CANCELED)


def _reduce(order: Order, gateway: BrokerGateway) -> Order:
    wanted = order.requested_quantity
    if wanted is None:
        return order
    try:
        gateway.reduce_order(order.client_order_id, order.instrument.symbol, wanted - order.filled_quantity)
    except BrokerRejected as error:
        log.warning("reduce_refused", order=str(order.pk), error=error.message)
        return order
    with transaction.atomic():
        order = order_lock(order.pk)
        if not OrderStatus(order.status).is_working or order.requested_quantity != wanted:
            return order
        order.quantity, order.requested_quantity = wanted, None
        return order_step(order=order, kind="reduced", detail={"quantity": f"{wanted:f}"})


def sent_as(order: Order, traits: VenueTraits) -> OrderType:
    """Return the type that goes to the venue: what the platform has waited for in its place may trade at once."""
    kind = OrderType(order.type)
    is_target_of_pair = kind is OrderType.TAKE_PROFIT and not traits.groups and bool(order.oco_group)
    if kind in traits.rests and not (is_target_of_pair and order.events.filter(kind="triggered").exists()):
        return kind
    return OrderType.LIMIT if kind.needs_limit_price else OrderType.MARKET


def _request(order: Order) -> OrderRequest:
    kind = sent_as(order, traits_of(order.portfolio.connection))
    rests = kind == order.type
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.instrument.symbol,
        side=Side(order.side),
        type=kind,
        quantity=order.quantity,
        time_in_force=TimeInForce(order.time_in_force),
        active_from=order.active_from,
        limit_price=order.limit_price,
        stop_price=order.stop_price if rests else None,
        expires_at=order.expires_at,
        oco_group=order.oco_group,
    )
