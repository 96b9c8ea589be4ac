"""One order in the place of another: held until the end of the first is certain, so that never both can trade."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from algotrendy.trading.orders import OrderStatus
from apps.brokers.selectors import traits_of
from apps.common.gathering import written
from apps.common.jobs import enqueue
from apps.orders.models import Order
from apps.orders.services.steps.stepping import order_begin, order_lock, order_step

INHERITED = (
    "owner_id", "portfolio", "instrument", "strategy", "parent_id", "book", "role", "side", "type", "time_in_force",
    "limit_price", "stop_price", "reference_price", "trail_amount", "trail_percent", "best_price", "post_only",
    "reduce_only", "stop_loss", "take_profit", "active_from", "expires_at", "order_class", "oco_group", "metadata",
)  # fmt: skip


def successor_build(*, order: Order, client_order_id: str, quantity: Decimal, **changes: Any) -> Order:
    """Return a held order like this one but for the changes, not yet saved; `quantity` counts what this one filled."""
    values = {name: getattr(order, name) for name in INHERITED}
    return Order(
        **{**values, **changes},
        client_order_id=client_order_id,
        quantity=quantity,
        replaces=order,
        status=OrderStatus.HELD,
    )


def successor_waiting(order: Order) -> Order | None:
    """Return the order, locked, that waits for the end of this one."""
    written()
    waiting = Order.objects.filter(replaces=order, status=OrderStatus.HELD).values_list("pk", flat=True).first()
    return None if waiting is None else order_lock(waiting)


def order_shrink(*, order: Order, keep: Decimal) -> Order:
    """Ask that no more than `keep`, above 0, of what remains of the order can still be filled.

    One that was never sent is smaller at once; at a venue that cannot make an order smaller a successor takes its
    place. The caller holds the order's lock.
    """
    if keep >= order.kept_quantity:
        return order
    wanted = order.filled_quantity + keep
    detail = {"quantity": f"{wanted:f}"}
    if order.status == OrderStatus.HELD:
        order.quantity = wanted
        return order_step(order=order, kind="reduced", detail=detail)
    if (successor := successor_waiting(order)) is not None:
        if successor.quantity > wanted:
            successor.quantity = wanted
            order_step(order=successor, kind="reduced", detail=detail)
        return order
    if order.cancel_requested_at is not None:
        return order
    if traits_of(order.portfolio.connection).reduces:
        order.requested_quantity = wanted
        order_step(order=order, kind="reduce_requested", detail=detail)
    else:
        _succeed_smaller(order, wanted)
    enqueue("orders.settle", str(order.pk))
    return order


def _succeed_smaller(order: Order, wanted: Decimal) -> None:
    from apps.orders.services.holdings.protecting import order_cancel_request  # Which shrinks orders by this module.

    successor = successor_build(order=order, client_order_id=f"{order.pk.hex}-{order.version}-r", quantity=wanted)
    order_begin(order=successor, detail={"replaces": str(order.pk), "waits_for": "the end of the larger order"})
    order_cancel_request(order=order, code="reduced", reason="A smaller order takes its place.")
