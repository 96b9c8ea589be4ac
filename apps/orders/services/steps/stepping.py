"""The one way in which an order changes: a checked transition, an event, a new version, a message."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone

from algotrendy.trading.orders import OrderStatus, transition
from apps.common.correlation import current_id
from apps.common.events import publish
from apps.common.gathering import row_add, row_known, row_save, rows_keep
from apps.common.jobs import enqueue, enqueue_once
from apps.common.prepared import Given, Prepared
from apps.orders.models import Order, OrderEvent
from apps.orders.selectors import order_told
from apps.portfolio.models import Portfolio
from apps.portfolio.services import portfolio_lock


def order_lock(order_id: uuid.UUID) -> Order:
    """Return the order, locked until the transaction ends."""
    if (known := row_known(Order, order_id)) is not None:
        return known
    order = _LOCKED.one(pk=order_id)
    order.portfolio = row_known(Portfolio, order.portfolio_id) or order.portfolio
    rows_keep([order])
    return order


_LOCKED = Prepared(
    lambda: (
        Order.objects.select_for_update(of=("self",))
        .select_related("portfolio__connection", "instrument", "strategy")
        .filter(pk=Given("pk"))
    )
)


def order_lock_linked(order_id: uuid.UUID) -> Order:
    """Return the order, locked after its portfolio: so must be taken whatever may end it, for linked orders follow."""
    portfolio_lock(Order.objects.values_list("portfolio_id", flat=True).get(pk=order_id))
    return order_lock(order_id)


def order_step(
    *,
    order: Order,
    kind: str,
    to: OrderStatus | None = None,
    reason_code: str = "",
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> Order:
    """Take a step of the order's life: change its status where `to` is given, save it, and write the event.

    The caller holds the order's lock, and the portfolio's where the order may end by it, and has set what else
    changed. Linked orders follow a fill and an end within the same transaction. Raises InvalidTransition.
    """
    before = order.status
    if to is not None and to != before:
        order.status = transition(OrderStatus(before), to)
        _stamp(order, to)
    if reason_code:
        order.reason_code, order.reason = reason_code, reason[:500]
    order.version += 1
    row_save(order)
    _write_event(order, kind, before, detail or {})
    _publish(order)
    is_fill = kind == "filled"
    if is_fill or (order.status != before and OrderStatus(order.status).is_terminal):
        _tell_linked(order, OrderStatus(before), is_fill=is_fill)
    return order


def order_begin(*, order: Order, detail: dict[str, Any]) -> Order:
    """Save a new order with its first event."""
    row_add(order)
    _write_event(order, "placed", "", detail)
    _publish(order)
    return order


def order_release(*, order: Order, kind: str = "released", detail: dict[str, Any] | None = None) -> Order:
    """Let a held order go to its venue; the caller holds its lock."""
    order = order_step(order=order, kind=kind, to=OrderStatus.PENDING, detail=detail)
    send_soon(order)
    return order


def send_soon(order: Order) -> None:
    """Have a pending order sent once it is committed; to paper venues everything that waits by then goes together."""
    if order.portfolio.connection.is_paper:
        enqueue_once("orders.send")
    else:
        enqueue("orders.settle", str(order.pk))


def _tell_linked(order: Order, before: OrderStatus, *, is_fill: bool) -> None:
    from apps.orders.services.steps.linking import links_follow  # Which itself takes steps.

    links_follow(order=order, before=before, is_fill=is_fill)


def tell_exchange(order: Order) -> None:
    """Have an order's exchange told what was committed; a paper venue is, by whoever shows it the next candle."""
    if not order.portfolio.connection.is_paper:
        enqueue("orders.settle", str(order.pk))


def _stamp(order: Order, status: OrderStatus) -> None:
    now = timezone.now()
    if status is OrderStatus.SUBMITTED:
        order.submitted_at = now
    if status.is_terminal:
        order.closed_at = now
        order.requested_quantity = None


def _write_event(order: Order, kind: str, before: str, detail: dict[str, Any]) -> None:
    event = OrderEvent(
        order=order,
        version=order.version,
        kind=kind,
        from_status=before,
        to_status=order.status,
        detail=detail,
        correlation_id=current_id(),
    )
    row_add(event)


def _publish(order: Order) -> None:
    if order.portfolio.is_simulation:
        return
    publish("orders", order_told(order), owner_id=order.owner_id)
