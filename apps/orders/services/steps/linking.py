"""What an order's fill or end does to the orders that are linked with it, in the same transaction.

- a group (OCO): what one fills, the others no longer may; where the venue knows groups it cancels them itself
- a successor: goes when the order that it replaces was canceled, with what that one has left of it
- secondaries (OTO): go when their primary has ended, for no more than it has filled; with nothing filled they end too

Everything is found in rows and only orders that still wait are touched, so that a second call changes nothing.
"""

from __future__ import annotations

from decimal import Decimal

import structlog

from algotrendy.trading.orders import TERMINAL, WORKING, OrderStatus
from algotrendy.trading.values import ZERO
from apps.brokers.selectors import traits_of
from apps.common.gathering import written
from apps.common.jobs import enqueue
from apps.orders import metrics
from apps.orders.models import Order, OrderClass
from apps.orders.selectors import linked, waited_for
from apps.orders.services.holdings.protecting import order_cancel_request
from apps.orders.services.steps.releasing import order_go
from apps.orders.services.steps.stepping import order_lock, order_release, order_step
from apps.orders.services.steps.succession import order_shrink, successor_waiting

log = structlog.get_logger(__name__)
RESTING = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)


def links_follow(*, order: Order, before: OrderStatus, is_fill: bool) -> None:
    """Let linked orders follow the order's newest step, a fill or an end. The caller holds the portfolio's lock."""
    if order.oco_group and order.filled_quantity:
        _group_shrink(order)
    if before in TERMINAL:
        if is_fill:
            _late_fill(order)
    elif order.status in TERMINAL:
        order_ended(order=order)


def order_ended(*, order: Order) -> None:
    """Let go, or end, what has waited for the end of this order."""
    if order.cancel_requested_at is not None:
        _successor_settle(order)
    if order.order_class == OrderClass.OTO and order.parent_id is None:
        _secondaries_settle(order)
    if order.oco_group and order.status != OrderStatus.FILLED:
        _triggered_release(order)


def order_trigger(*, order: Order, detail: dict[str, str] | None = None) -> Order:
    """Send a held order whose price has been reached; where another of its group may still trade, after that one's end.

    The caller holds the locks of portfolio and order. A second call changes nothing.
    """
    if order.status != OrderStatus.HELD or waited_for(order) is not None:
        return order
    others = [other for other in _group_of(order) if other.status != OrderStatus.HELD]
    if not others:
        return order_release(order=order, kind="triggered", detail=detail)
    if _is_triggered(order):
        return order
    order = order_step(order=order, kind="triggered", detail={**(detail or {}), "waits_for": "the end of its group"})
    for other in others:
        reason = "Another order of its group is to trade in its place."
        order_cancel_request(order=other, code="group_triggered", reason=reason)
        enqueue("orders.settle", str(other.pk))
    return order


def _group_of(order: Order) -> list[Order]:
    """Return the group's other working orders, locked; none where it has no group."""
    if not order.oco_group:
        return []
    written()
    others = Order.objects.filter(portfolio_id=order.portfolio_id, oco_group=order.oco_group, status__in=WORKING)
    keys = list(others.exclude(pk=order.pk).order_by("created_at", "id").values_list("pk", flat=True))
    return [order_lock(key) for key in keys]


def _group_shrink(order: Order) -> None:
    """Leave to the group's others no more than this order has left to fill."""
    left = order.kept_quantity if order.status in WORKING else max(order.quantity - order.filled_quantity, ZERO)
    for other in _group_of(order):
        if waited_for(other) is not None:
            continue  # It shrinks with the one in whose place it comes.
        if left > 0:
            order_shrink(order=other, keep=left)
        elif other.cancel_requested_at is not None or not _venue_cancels(other):
            order_cancel_request(order=other, code="group_filled", reason="The other order of its group was filled.")
            enqueue("orders.settle", str(other.pk))


def _venue_cancels(order: Order) -> bool:
    """Tell whether the venue itself ends the order with the first complete fill of its group."""
    return order.status in RESTING and traits_of(order.portfolio.connection).groups


def _triggered_release(order: Order) -> None:
    others = _group_of(order)
    if any(other.status != OrderStatus.HELD for other in others):
        return
    for other in others:
        if waited_for(other) is None and _is_triggered(other):
            order_go(order=other, quantity=other.quantity, is_checked=True, is_triggered=True)
            return


def _is_triggered(order: Order) -> bool:
    written()
    return order.events.filter(kind="triggered").exists()


def _successor_settle(order: Order) -> None:
    """Let the order that replaces this one go for what is left of it, or end it with the reason."""
    successor = successor_waiting(order)
    if successor is None:
        return
    left = successor.quantity - order.filled_quantity
    if order.status != OrderStatus.CANCELED or left <= 0:
        is_filled = order.status in (OrderStatus.FILLED, OrderStatus.CANCELED)
        code = "already_filled" if is_filled else f"replaced_{order.status}"
        how = f"has filled {order.filled_quantity.normalize():f} already" if is_filled else f"was {order.status}"
        order_cancel_request(order=successor, code=code, reason=f"The order that it replaces {how}.")
        return
    metrics.count_replaced(successor)
    for secondary in _waiting_secondaries(order):
        secondary.parent = successor
        order_step(order=secondary, kind="relinked", detail={"parent": str(successor.pk)})
    order_go(order=successor, quantity=left, is_checked=True)


def _waiting_secondaries(primary: Order) -> list[Order]:
    written()
    rows = Order.objects.filter(parent=primary, order_class=OrderClass.OTO, status=OrderStatus.HELD)
    return [order_lock(key) for key in rows.order_by("created_at", "id").values_list("pk", flat=True)]


def _secondaries_settle(primary: Order) -> None:
    secondaries = _waiting_secondaries(primary)
    filled = _filled_together(primary) if secondaries else ZERO
    for secondary in secondaries:
        if filled == 0:
            reason = f"The order that it waited for was {primary.status} with nothing filled."
            order_cancel_request(order=secondary, code="parent_unfilled", reason=reason)
        else:
            order_go(order=secondary, quantity=min(secondary.quantity, filled))


def _filled_together(order: Order) -> Decimal:
    """Return what the order and those in whose place it came have filled."""
    written()
    filled: Decimal = order.filled_quantity
    while (replaced := linked(order, "replaces")) is not None:
        order = replaced
        filled += order.filled_quantity
    return filled


def _late_fill(order: Order) -> None:
    """Take what an order filled after its end from the one that came in its place."""
    written()
    successor = Order.objects.filter(replaces=order, status__in=WORKING).values_list("pk", flat=True).first()
    newest = order.fills.order_by("-created_at").first()
    if successor is None or newest is None:
        return
    follower = order_lock(successor)
    log.warning("late_fill_of_replaced_order", order=str(order.pk), successor=str(follower.pk))
    keep = follower.kept_quantity - newest.quantity
    if keep > 0:
        order_shrink(order=follower, keep=keep)
    else:
        reason = "The order that it replaced was filled after its cancel."
        order_cancel_request(order=follower, code="already_filled", reason=reason)
        enqueue("orders.settle", str(follower.pk))
