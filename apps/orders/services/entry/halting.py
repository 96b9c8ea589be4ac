"""The kill switch on orders that are queued already: what was placed before a halt is not sent under it."""

from __future__ import annotations

from typing import Any

from algotrendy.trading.risk import AccountSnapshot, Denied, OrderEffect, RiskLimits, TradingMode, check_order
from algotrendy.trading.values import ZERO, Side
from apps.orders.models import Order, OrderRole
from apps.portfolio.halting import trading_mode
from apps.portfolio.models import HaltWidth, Portfolio
from apps.portfolio.selectors import position_held
from apps.portfolio.services import InvalidHalt
from apps.strategies.models import Strategy

PASSES_HALTS = (OrderRole.FLATTEN, OrderRole.LIQUIDATION)
"""The orders by which the platform itself ends positions; they are placed and sent whatever is halted."""
SENT_ANYWAY = (*PASSES_HALTS, OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)
"""And those that protect a position: a fill that comes in under a halt is protected as any other."""
NO_LIMITS = RiskLimits(enabled=False)


def halt_of(order: Order) -> Denied | None:
    """Return why the order must not be sent, or None where nothing halts it.

    The caller holds the order's lock and is about to send it. While only reducing is allowed, an order goes out if it
    does no more than that to what its book holds now.
    """
    if order.role in SENT_ANYWAY:
        return None
    decision = trading_mode(order.portfolio, order.book)
    if decision.mode is TradingMode.ACTIVE:
        return None
    account = AccountSnapshot(ZERO, ZERO, 0, ZERO, mode=decision.mode, halt_reason=decision.reason)
    verdict = check_order(NO_LIMITS, account, _effect(order))
    return verdict if isinstance(verdict, Denied) else None


def place_of(width: HaltWidth, portfolio: Portfolio | None, strategy: Strategy | None) -> dict[str, Any]:
    """Return what `halt_start` is to halt: a strategy is its portfolio's book. Raises InvalidHalt."""
    if (width == HaltWidth.STRATEGY) != (strategy is not None):
        raise InvalidHalt("Name the strategy to halt one, and none to halt a portfolio or the platform.")
    if strategy is None:
        return {"width": width, "portfolio": portfolio}
    if portfolio is not None and portfolio.pk != strategy.portfolio_id:
        raise InvalidHalt(f"{strategy} trades in another portfolio; leave the portfolio out.")
    return {"width": width, "portfolio": strategy.portfolio, "book": strategy.slug}


def _effect(order: Order) -> OrderEffect:
    spec, price = order.instrument.spec, order.limit_price or order.stop_price or order.reference_price
    closing = order.remaining_quantity
    if not order.reduce_only:
        held = position_held(order.portfolio, order.instrument_id, order.book)
        against = held is not None and held.quantity * Side(order.side).sign < 0
        closing = min(closing, abs(held.quantity)) if held is not None and against else ZERO
    opening = order.remaining_quantity - closing
    return OrderEffect(opening_value=spec.notional(price, opening), closing_value=spec.notional(price, closing))
