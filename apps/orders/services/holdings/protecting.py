"""The orders that protect a position: made with it, shrunk with it, gone with it.

Each fill that opens makes its own pair of stop loss and take profit, of which the first to fill cancels the other.
What they are to become is committed with the fill that causes it; `settling` then tells the venue.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.utils import timezone

from algotrendy.trading.broker import ExecutionReport
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import OrderType, Side
from apps.brokers.selectors import traits_of
from apps.common.gathering import row_save
from apps.orders import metrics
from apps.orders.models import Order, OrderClass, OrderRole
from apps.orders.selectors import PROTECTIVE
from apps.orders.services.steps.stepping import order_begin, order_lock, order_step, tell_exchange
from apps.orders.services.steps.succession import order_shrink, successor_waiting
from apps.portfolio.models import Position
from apps.portfolio.services import FillOutcome

LEGS = ((OrderRole.STOP_LOSS, OrderType.STOP, "sl"), (OrderRole.TAKE_PROFIT, OrderType.TAKE_PROFIT, "tp"))


def legs_create(*, entry: Order, outcome: FillOutcome, report: ExecutionReport) -> list[Order]:
    """Commit the protective orders of a fill that opened a position; none where the entry names no stop or target.

    A fill at a bar's open is protected within that same bar, any other from the next bar on.
    """
    prices = {OrderRole.STOP_LOSS: entry.stop_loss, OrderRole.TAKE_PROFIT: entry.take_profit}
    group = f"{entry.pk.hex}-{entry.version}"
    legs = []
    # A fee in the base currency leaves less than was bought: what is protected must be on the grid all the same.
    quantity = entry.instrument.spec.round_quantity(outcome.opened)
    for role, kind, suffix in LEGS:
        price = prices[role]
        if price is not None and quantity:
            leg = _leg(entry, role, kind, f"{group}-{suffix}", price, quantity, report)
            leg.oco_group = group
            legs.append(protective_begin(order=leg, protects=entry.pk, is_pair=None not in prices.values()))
            if leg.status == OrderStatus.PENDING:
                tell_exchange(leg)
    if legs:
        _note_on_position(outcome.position, entry)
    return legs


def legs_realign(*, filled: Order, closing: Iterable[Order], outcome: FillOutcome) -> None:
    """Fit the book's other closing orders, oldest first, to what a fill has left of its position.

    Reducing orders that are more than what is still held are asked to end or to shrink, newer ones before older; one
    on the position's own side (it reduced the one before a flip) is never kept. A flip that had counted on closing
    what is closed already shrinks to what it was to open. The other order of the filled one's pair shrinks with it, so
    that what is left is counted for the pairs that guard it.
    """
    position = outcome.position
    held = Decimal(0) if position.closed_at is not None else position.quantity
    rooms = {role: abs(held) for role in PROTECTIVE}
    for order in closing:
        if order.pk == filled.pk:
            continue
        if not order.reduce_only:
            _keep(order, max(order.kept_quantity - outcome.closed, Decimal(0)))
            continue
        opposes = held * Side(order.side).sign < 0
        room = rooms.get(OrderRole(order.role), abs(held)) if opposes else Decimal(0)
        keep = min(_left_by(filled, order), room)
        if order.role in rooms:
            rooms[OrderRole(order.role)] = room - keep
        _keep(order, keep)


def _left_by(filled: Order, order: Order) -> Decimal:
    """Return what a fill leaves of another order: nothing of its pair's partner once it is filled whole.

    What it was filled in part has been taken from the partner with the step before (`links_follow`).
    """
    if order.oco_group and order.oco_group == filled.oco_group and filled.remaining_quantity == 0:
        return Decimal(0)
    return order.kept_quantity


def _keep(order: Order, quantity: Decimal) -> None:
    if quantity >= order.kept_quantity:
        return
    order = order_lock(order.pk)
    if not OrderStatus(order.status).is_working:
        return
    if quantity == 0:
        order_cancel_request(order=order, code="position_closed", reason="The position that it reduced is closed.")
    else:
        order_shrink(order=order, keep=quantity)


def order_cancel_request(*, order: Order, code: str, reason: str) -> Order:
    """Commit that the order is to end: at once where it was never sent, else as soon as the venue agrees.

    One that was asked to end already, for another to come in its place, has that other canceled.
    """
    if order.cancel_requested_at is not None:
        if (successor := successor_waiting(order)) is not None:
            order_cancel_request(order=successor, code=code, reason=reason)
        return order
    order.cancel_requested_at = timezone.now()
    if order.status in (OrderStatus.HELD, OrderStatus.PENDING):
        return order_step(order=order, kind="canceled", to=OrderStatus.CANCELED, reason_code=code, reason=reason)
    tell_exchange(order)
    return order_step(order=order, kind="cancel_requested", reason_code=code, reason=reason)


def rests_at_venue(order: Order, *, is_pair: bool) -> bool:
    """Tell whether an order is sent to rest at its venue; of a pair that the venue does not know as one, the target
    is not: the platform sends it once its price is there and the stop is gone.
    """
    traits = traits_of(order.portfolio.connection)
    is_lone_target = is_pair and not traits.groups and order.type == OrderType.TAKE_PROFIT
    is_sent = order.type == OrderType.MARKET or order.type in traits.rests
    return is_sent and not is_lone_target


def protective_begin(*, order: Order, protects: object, is_pair: bool) -> Order:
    """Save a new protective order: `pending` where it is to rest at its venue, else `held` until its trigger."""
    rests = rests_at_venue(order, is_pair=is_pair)
    order.status = OrderStatus.PENDING if rests else OrderStatus.HELD
    order_begin(order=order, detail={"protects": str(protects)})
    metrics.count_order(order)
    return order if rests else order_step(order=order, kind="held", detail={"waits_for": "its trigger"})


def _leg(
    entry: Order,
    role: OrderRole,
    kind: OrderType,
    client_order_id: str,
    price: Decimal,
    quantity: Decimal,
    report: ExecutionReport,
) -> Order:
    return Order(
        owner_id=entry.owner_id,
        portfolio=entry.portfolio,
        instrument=entry.instrument,
        strategy=entry.strategy,
        parent=entry,
        book=entry.book,
        role=role,
        client_order_id=client_order_id,
        side=Side(entry.side).opposite,
        type=kind,
        status=OrderStatus.PENDING,
        quantity=quantity,
        order_class=OrderClass.BRACKET,
        stop_price=price,
        reference_price=report.price,
        reduce_only=True,
        active_from=report.at,
    )


def _note_on_position(position: Position, entry: Order) -> None:
    position.stop_loss, position.take_profit = entry.stop_loss, entry.take_profit
    row_save(position, ["stop_loss", "take_profit", "updated_at"])
