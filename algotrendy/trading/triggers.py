"""Orders that the platform itself watches for: what a price does to one that cannot rest at its venue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from .instruments import InstrumentSpec
from .values import OrderType, Side

WAITS_FOR_PRICE = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TRAILING_STOP})
"""The types that wait for a price before they can trade."""


@dataclass(frozen=True, slots=True)
class WatchedOrder:
    """An order that waits for its price. A trailing stop has one of its trails, and its best price once it has one."""

    side: Side
    type: OrderType
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    best_price: Decimal | None = None


def followed(order: WatchedOrder, price: Decimal, instrument: InstrumentSpec) -> WatchedOrder:
    """Return the order once it has seen a price: a trailing stop follows the best one, and never goes back.

    A sell follows prices upwards, a buy downwards. Its stop lies on the tick grid.
    """
    if order.type is not OrderType.TRAILING_STOP:
        return order
    sign = -order.side.sign
    best = order.best_price
    if best is not None and (price - best) * sign <= 0 and order.stop_price is not None:
        return order
    best = price if best is None or (price - best) * sign > 0 else best
    trail = order.trail_amount if order.trail_amount is not None else best * (order.trail_percent or Decimal(0)) / 100
    stop = instrument.round_price(best - sign * trail)
    if order.stop_price is not None and (stop - order.stop_price) * sign < 0:
        stop = order.stop_price
    return replace(order, best_price=best, stop_price=stop)


def is_reached(order: WatchedOrder, price: Decimal) -> bool:
    """Tell whether a price triggers the order: a stop from its worse side, a take-profit from its better one."""
    if order.stop_price is None or order.type not in WAITS_FOR_PRICE:
        return False
    beyond = (price - order.stop_price) * order.side.sign
    return beyond <= 0 if order.type is OrderType.TAKE_PROFIT else beyond >= 0
