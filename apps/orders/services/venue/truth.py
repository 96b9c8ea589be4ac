"""Making an order what its venue says it is: acknowledged, filled, ended; and found again after it was given up.

Network calls come first and outside of transactions; each step that follows from them is committed by itself, so that a
kill in between leaves an order that is asked about again.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from algotrendy.trading.broker import BrokerGateway, VenueOrder
from algotrendy.trading.orders import OrderStatus
from apps.alerts.models import Severity
from apps.orders import metrics
from apps.orders.models import Order, OrderEvent
from apps.orders.services.holdings.filling import report_apply
from apps.orders.services.holdings.protecting import order_cancel_request
from apps.orders.services.steps.notices import order_notice
from apps.orders.services.steps.stepping import order_lock, order_lock_linked, order_step
from apps.orders.services.venue.executions import trade_apply
from apps.orders.services.venue.expiring import ended_as
from apps.orders.services.venue.inferring import inferred_report

log = structlog.get_logger(__name__)
FILL_GRACE = timedelta(seconds=10)
"""How long a venue may take to list the executions of which its order speaks."""
ENDS = {
    OrderStatus.CANCELED: "canceled",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.REJECTED: "rejected",
}


def venue_order_apply(*, order: Order, venue_order: VenueOrder, gateway: BrokerGateway) -> Order:
    """Bring the order to what the venue knows of it: its fills first, and its end once no fill is missing.

    Raises BrokerUnavailable where the venue does not list the fills.
    """
    if gateway.traits.is_simulated:
        return _apply_simulated(order, venue_order)
    if venue_order.status is OrderStatus.FILLED and not venue_order.filled_quantity:
        venue_order = replace(venue_order, filled_quantity=venue_order.quantity or order.quantity)
    order = _acknowledge(order.pk, venue_order)
    if venue_order.filled_quantity > order.filled_quantity:
        order = _fetch_fills(order, venue_order, gateway)
    if venue_order.status.is_working:
        return order
    if venue_order.filled_quantity > order.filled_quantity:
        order = _await_fills(order.pk, venue_order)
    if venue_order.filled_quantity > order.filled_quantity:
        return order
    return _end(order.pk, venue_order)


def _apply_simulated(order: Order, venue_order: VenueOrder) -> Order:
    """Take over all but the fills, which come from candles, in the transaction that makes them there."""
    if venue_order.status is OrderStatus.FILLED:
        return order
    if order.status in (OrderStatus.SUBMITTED, OrderStatus.REJECTED):
        order = _acknowledge(order.pk, venue_order)
    return order if venue_order.status.is_working else _end(order.pk, venue_order)


@transaction.atomic
def _acknowledge(order_id: uuid.UUID, venue_order: VenueOrder) -> Order:
    """Note that the venue has the order; one that was given up is at work again."""
    order = order_lock(order_id) if venue_order.status.is_working else order_lock_linked(order_id)
    order.unknown_since = None
    if order.status == OrderStatus.REJECTED and venue_order.status is not OrderStatus.REJECTED:
        return _revive(order, venue_order)
    if order.status != OrderStatus.SUBMITTED or venue_order.status is OrderStatus.REJECTED:
        if venue_order.exchange_order_id and not order.exchange_order_id:
            order.exchange_order_id = venue_order.exchange_order_id
        order.synced_at = timezone.now()
        order.save(update_fields=["unknown_since", "synced_at", "exchange_order_id", "updated_at"])
        return order
    order.exchange_order_id = venue_order.exchange_order_id
    detail = {"exchange_order_id": order.exchange_order_id}
    return order_step(order=order, kind="accepted", to=OrderStatus.OPEN, detail=detail)


def _revive(order: Order, venue_order: VenueOrder) -> Order:
    given_up = order.reason
    order.exchange_order_id = venue_order.exchange_order_id or order.exchange_order_id
    order.reason_code = order.reason = ""
    order.closed_at = None
    detail = {"exchange_order_id": order.exchange_order_id, "given_up_because": given_up}
    order_step(order=order, kind="revived", to=OrderStatus.OPEN, detail=detail)
    order_notice(
        order, f"An order that had been given up is at the venue after all: {order.summary}.", Severity.CRITICAL
    )
    if Order.objects.filter(replaces=order).exists():
        return order_cancel_request(order=order, code="replaced", reason="Another order has taken its place.")
    return order


def _fetch_fills(order: Order, venue_order: VenueOrder, gateway: BrokerGateway) -> Order:
    for trade in gateway.fetch_order_trades(order.client_order_id, order.instrument.symbol):
        trade_apply(order=order, trade=trade, traits=gateway.traits)
    return Order.objects.select_related("portfolio__connection", "instrument", "strategy").get(pk=order.pk)


def _await_fills(order_id: uuid.UUID, venue_order: VenueOrder) -> Order:
    """Give the venue time to list the executions of an order that has ended; then make what is missing."""
    with transaction.atomic():
        order = order_lock_linked(order_id)
        report = inferred_report(order, venue_order, timezone.now())
        if report is None:
            return order
        first = OrderEvent.objects.filter(order=order, kind="fills_awaited").order_by("version").first()
        if first is None:
            detail = {"filled_at_venue": f"{venue_order.filled_quantity:f}", "listed": f"{order.filled_quantity:f}"}
            return order_step(order=order, kind="fills_awaited", detail=detail)
        if timezone.now() - first.at < FILL_GRACE:
            return order
        applied = report_apply(connection=order.portfolio.connection, report=report, is_inferred=True)
        order_notice(
            order,
            f"The venue says that {venue_order.filled_quantity:f} of {order.summary} was filled, but does not list it "
            f"all: {report.quantity:f} was taken as filled at {report.price:f}, without a fee.",
        )
    log.warning("fill_inferred", order=str(order_id), quantity=f"{report.quantity:f}", price=f"{report.price:f}")
    return applied or order


@transaction.atomic
def _end(order_id: uuid.UUID, venue_order: VenueOrder) -> Order:
    """End an order of which every fill is known as the venue has ended it."""
    order = order_lock_linked(order_id)
    if not OrderStatus(order.status).is_working or venue_order.status.is_working:
        return order
    if venue_order.status is OrderStatus.FILLED:
        # Less than was ordered, which the venue had rounded to its own grid: its quantity is the order's.
        detail = {"quantity": f"{venue_order.filled_quantity:f}", "ordered": f"{order.quantity:f}"}
        order.quantity = order.filled_quantity
        return order_step(order=order, kind="completed", to=OrderStatus.FILLED, detail=detail)
    to = ended_as(order, venue_order.status)
    if to is OrderStatus.REJECTED and order.status == OrderStatus.PARTIALLY_FILLED:
        to = OrderStatus.CANCELED
    code = "" if order.cancel_requested_at is not None else f"venue_{ENDS.get(to, to.value)}"
    if to is OrderStatus.REJECTED:
        metrics.count_rejected(code)
    reason = venue_order.reason or ("" if not code else "The venue has ended it.")
    return order_step(order=order, kind=ENDS.get(to, to.value), to=to, reason_code=code, reason=reason)
