"""Letting go of what was held: looked at again, for the account is not what it was when it was committed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.risk import Denied
from algotrendy.trading.values import ZERO, OrderType, Side, TimeInForce
from apps.common.gathering import written
from apps.marketdata.selectors import latest_candle
from apps.orders.models import Order
from apps.orders.selectors import waited_for
from apps.orders.services.entry.exposure import risk_check
from apps.orders.services.entry.placing import Market, order_deny
from apps.orders.services.holdings.protecting import order_cancel_request, rests_at_venue
from apps.orders.services.steps.stepping import order_release, order_step
from apps.portfolio.selectors import position_held


def order_go(*, order: Order, quantity: Decimal, is_checked: bool = False, is_triggered: bool = False) -> Order:
    """Let a held order go for a quantity: to its venue, or on to waiting for its trigger; refused, it ends.

    `is_checked` says that the risk check has counted it all the time. The caller holds portfolio's and order's lock.
    """
    written()
    if (other := waited_for(order)) is not None:
        order.quantity = quantity
        return order_step(order=order, kind="held", detail={"waits_for": f"order {other.client_order_id}"})
    room = _room(order) if order.reduce_only else quantity
    order.quantity = min(quantity, room) or order.quantity
    if room == 0:
        reason = "There is no position left that it could reduce."
        return order_cancel_request(order=order, code="position_closed", reason=reason)
    if order.quantity < order.instrument.min_quantity:
        reason = f"What is left of it, {order.quantity:f}, is less than the least that {order.instrument} trades."
        return order_cancel_request(order=order, code="below_min_quantity", reason=reason)
    order.active_from = max(order.active_from, _market_time(order))
    denied = None if is_checked else _denied(order)
    if denied is not None:
        return order_deny(order=order_step(order=order, kind="released", to=OrderStatus.PENDING), denied=denied)
    detail = {"quantity": f"{order.quantity:f}"}
    if is_triggered or rests_at_venue(order, is_pair=bool(order.oco_group)):
        return order_release(order=order, detail=detail)
    return order_step(order=order, kind="held", detail={**detail, "waits_for": "its trigger"})


def _room(order: Order) -> Decimal:
    position = position_held(order.portfolio, order.instrument_id, order.book)
    opposes = position is not None and position.quantity * Side(order.side).sign < 0
    return abs(position.tradable_quantity) if position is not None and opposes else ZERO


def _market_time(order: Order) -> datetime:
    """Return when the market had come to what let the order go: its parent's last fill, else the newest price."""
    fill = None if order.parent is None else order.parent.fills.order_by("-executed_at").first()
    at: datetime = _market(order).at if fill is None else fill.executed_at
    return at


def _market(order: Order) -> Market:
    """Return the newest price; where there is none any more, the one it was made at: a fill must not fail for it."""
    candle = latest_candle(order.instrument)
    known = Market(order.reference_price, order.active_from)
    return known if candle is None else Market(candle.close, candle.close_time)


def _denied(order: Order) -> Denied | None:
    try:
        decision = risk_check(
            portfolio=order.portfolio,
            instrument=order.instrument,
            book=order.book,
            intent=intent_again(order),
            market_price=_market(order).price,
            instead_of=order,
        )
    except InvalidOrder as error:
        return Denied(error.code, error.message)
    return decision if isinstance(decision, Denied) else None


def intent_again(order: Order) -> OrderIntent:
    """Return what the order would be asked for as now."""
    return OrderIntent(
        side=Side(order.side),
        type=OrderType(order.type),
        quantity=order.quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price if OrderType(order.type).needs_stop_price else None,
        time_in_force=TimeInForce(order.time_in_force),
        expires_at=order.expires_at if order.time_in_force == TimeInForce.GTD else None,
        reduce_only=order.reduce_only,
        stop_loss=order.stop_loss,
        take_profit=order.take_profit,
        post_only=order.post_only,
        trail_amount=order.trail_amount,
        trail_percent=order.trail_percent,
    )
