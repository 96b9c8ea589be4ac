"""What a bar does to resting orders: one rule for the paper broker and the backtester.

A bar tells four prices, not their path. The rules, from what is certain to what is assumed for the worse:

- A market order fills at the open. So does any order whose price the open has already reached, at the open.
- A stop that the bar's range reaches fills at its stop price; a limit or take-profit order at its own price.
- Market and stop orders pay slippage, a share of the price; limit and take-profit orders do not. Prices are rounded
  to the tick, against the taker where there is slippage.
- Where a bar reaches both a stop and a target, the stop comes first.
- A stop-limit order that is triggered inside the bar fills there only at a limit no worse than its stop price;
  otherwise it rests as a limit order from the next bar on.
- An ioc or fok order has one chance: the first open it meets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import IntEnum

from .candles import Bar
from .instruments import InstrumentSpec
from .values import OrderType, Side, TimeInForce, quantize


@dataclass(frozen=True, slots=True)
class Costs:
    """What trading costs: both rates are shares (0.001 is 0.1 %), of a fill's value and of a fill's price."""

    commission_rate: Decimal
    slippage_rate: Decimal

    def fee(self, value: Decimal) -> Decimal:
        """Return the fee of a fill worth `value`, at 8 decimals."""
        return quantize(abs(value) * self.commission_rate)


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """An order at the venue. `sequence` grows with arrival; `quantity` is what remains."""

    key: str
    sequence: int
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    is_triggered: bool = False
    expires_at: datetime | None = None


class Rank(IntEnum):
    """The order in which a bar's events happen."""

    EXPIRY = 0
    AT_OPEN = 1
    STOP = 2
    TARGET = 3


@dataclass(frozen=True, slots=True)
class Filled:
    order: RestingOrder
    price: Decimal
    rank: Rank

    @property
    def at_open(self) -> bool:
        return self.rank is Rank.AT_OPEN


@dataclass(frozen=True, slots=True)
class Triggered:
    """A stop-limit order became a limit order; it may fill from the next bar on."""

    order: RestingOrder
    rank: Rank = Rank.STOP


@dataclass(frozen=True, slots=True)
class Expired:
    order: RestingOrder
    rank: Rank = Rank.EXPIRY


type MatchEvent = Filled | Triggered | Expired


def first_event(
    orders: Iterable[RestingOrder], bar: Bar, costs: Costs, instrument: InstrumentSpec
) -> MatchEvent | None:
    """Return what happens first among the orders on the bar, or None where nothing does.

    The caller applies it, which may add and cancel orders, and asks again.
    """
    events = [event for order in orders if (event := match(order, bar, costs, instrument)) is not None]
    return min(events, key=lambda event: (event.rank, event.order.sequence), default=None)


def match(order: RestingOrder, bar: Bar, costs: Costs, instrument: InstrumentSpec) -> MatchEvent | None:
    """Return what the bar does to one order, or None where it goes on resting."""
    if order.expires_at is not None and bar.open_time >= order.expires_at:
        return Expired(order)
    found = _touch(order, bar)
    if order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK) and (found is None or found[1] is not Rank.AT_OPEN):
        return Expired(order)
    if found is None:
        return Triggered(order) if _triggers(order, bar) else None
    price, rank = found
    return Filled(order, _fill_price(order, price, costs, instrument), rank)


def _touch(order: RestingOrder, bar: Bar) -> tuple[Decimal, Rank] | None:
    """Return the price that the bar gives the order before costs, and when in the bar."""
    match order.type:
        case OrderType.MARKET:
            return bar.open, Rank.AT_OPEN
        case OrderType.LIMIT:
            return _reach_limit(order.side, _price(order.limit_price), bar)
        case OrderType.TAKE_PROFIT:
            return _reach_limit(order.side, _price(order.stop_price), bar)
        case OrderType.STOP | OrderType.TRAILING_STOP:
            return _reach_stop(order.side, _price(order.stop_price), bar)
        case OrderType.STOP_LIMIT:
            return _reach_stop_limit(order, bar)


def _reach_limit(side: Side, limit: Decimal, bar: Bar) -> tuple[Decimal, Rank] | None:
    if (limit - bar.open) * side.sign >= 0:
        return bar.open, Rank.AT_OPEN
    best = bar.low if side is Side.BUY else bar.high
    return (limit, Rank.TARGET) if (limit - best) * side.sign >= 0 else None


def _reach_stop(side: Side, stop: Decimal, bar: Bar) -> tuple[Decimal, Rank] | None:
    if (bar.open - stop) * side.sign >= 0:
        return bar.open, Rank.AT_OPEN
    worst = bar.high if side is Side.BUY else bar.low
    return (stop, Rank.STOP) if (worst - stop) * side.sign >= 0 else None


def _reach_stop_limit(order: RestingOrder, bar: Bar) -> tuple[Decimal, Rank] | None:
    limit = _price(order.limit_price)
    if order.is_triggered:
        return _reach_limit(order.side, limit, bar)
    reached = _reach_stop(order.side, _price(order.stop_price), bar)
    if reached is None:
        return None
    price, rank = reached
    if rank is Rank.AT_OPEN:
        return _reach_limit(order.side, limit, bar)
    return (price, rank) if (limit - price) * order.side.sign >= 0 else None


def _triggers(order: RestingOrder, bar: Bar) -> bool:
    if order.type is not OrderType.STOP_LIMIT or order.is_triggered:
        return False
    return _reach_stop(order.side, _price(order.stop_price), bar) is not None


def _fill_price(order: RestingOrder, price: Decimal, costs: Costs, instrument: InstrumentSpec) -> Decimal:
    if order.type in (OrderType.MARKET, OrderType.STOP, OrderType.TRAILING_STOP):
        return instrument.round_price_against(price * (1 + order.side.sign * costs.slippage_rate), order.side)
    # The data's prices may be finer than the tick; a limit order never fills worse than its limit, which is on it.
    return instrument.round_price(price)


def _price(price: Decimal | None) -> Decimal:
    if price is None:
        raise ValueError("A resting order has the prices that its type needs.")
    return price
