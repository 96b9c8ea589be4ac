"""What a bar does to resting orders: one rule for the paper broker and the backtester.

A bar tells four prices, not their path. The rules, from what is certain to what is assumed for the worse:

- A market order fills at the open. So does any order whose price the open has already reached, at the open.
- A stop that the bar's range reaches fills at its stop price; a limit or take-profit order at its own price.
- Market and stop orders pay slippage, a share of the price; limit and take-profit orders do not. Prices are rounded
  to the tick, against the taker where there is slippage.
- Where a bar reaches both a stop and a target, the stop comes first.
- A stop-limit order that is triggered inside the bar fills there only at a limit no worse than its stop price;
  otherwise it rests as a limit order from the next bar on.
- A trailing stop stands behind the best price of the bars before, and of its first open: no bar both moves it and
  reaches it at the place to which it was moved.
- An ioc or fok order has one chance: the first open it meets. An ioc order takes what it can there, a fok order all or
  nothing.
- A post-only order that its first open would let take is ended instead.
- Where an account may take a share of a bar's volume only, its orders take what there is in the order in which the bar
  reaches them, and then of arrival; what they do not get goes on resting. A stop that was reached is a market order
  from then on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import IntEnum

from .candles import Bar
from .chance import draw
from .instruments import InstrumentSpec
from .values import ZERO, OrderType, Side, TimeInForce, quantize


@dataclass(frozen=True, slots=True)
class Costs:
    """What trading costs: both rates are shares (0.001 is 0.1 %), of a fill's value and of a fill's price."""

    commission_rate: Decimal
    slippage_rate: Decimal

    def fee(self, value: Decimal) -> Decimal:
        """Return the fee of a fill worth `value`, at 8 decimals."""
        return quantize(abs(value) * self.commission_rate)


@dataclass(frozen=True, slots=True)
class Liquidity:
    """How much of a bar an account may take: a share of its volume, less what it has `taken` already.

    A share of 0 is no limit. With a seed, chance leaves each order only a part of the share, drawn anew for each bar.
    """

    share: Decimal = ZERO
    taken: Decimal = ZERO
    seed: int = 0

    def available(self, order: RestingOrder, bar: Bar, instrument: InstrumentSpec) -> Decimal:
        """Return how much of its remaining quantity the order may have, on the step grid."""
        if not self.share:
            return order.quantity
        most = bar.volume * self.share
        left = max(most - self.taken, ZERO)
        if self.seed:
            most *= draw(self.seed, "volume", order.key, bar.open_time.isoformat())
        return min(order.quantity, instrument.round_quantity(min(most, left)))


UNLIMITED = Liquidity()


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """An order at the venue. `sequence` grows with arrival; `quantity` is what remains of it.

    `is_triggered`: what it waited for has happened. A stop is a market order by then, a stop-limit order a limit
    order, and a post-only order, let in by its first open, a limit order like any other.
    """

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
    post_only: bool = False
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    best_price: Decimal | None = None
    """The best price that a trailing stop has followed; None before its first bar."""

    @property
    def is_immediate(self) -> bool:
        return self.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)

    @property
    def is_stop(self) -> bool:
        """Whether it is to trade at the market once its stop is reached."""
        return self.type in (OrderType.STOP, OrderType.TRAILING_STOP)


class Rank(IntEnum):
    """The order in which a bar's events happen."""

    EXPIRY = 0
    AT_OPEN = 1
    STOP = 2
    TARGET = 3


@dataclass(frozen=True, slots=True)
class Filled:
    """The order trades `quantity`, which is all that remains of it or a part."""

    order: RestingOrder
    price: Decimal
    rank: Rank
    quantity: Decimal

    @property
    def at_open(self) -> bool:
        return self.rank is Rank.AT_OPEN

    @property
    def is_partial(self) -> bool:
        return self.quantity < self.order.quantity


@dataclass(frozen=True, slots=True)
class Triggered:
    """A stop was reached where the order could not trade; it may fill from the next bar on."""

    order: RestingOrder
    rank: Rank = Rank.STOP


@dataclass(frozen=True, slots=True)
class Expired:
    order: RestingOrder
    reason: str = ""
    rank: Rank = Rank.EXPIRY


@dataclass(frozen=True, slots=True)
class Refused:
    """The venue ends an order that would take although it is post-only."""

    order: RestingOrder
    reason: str
    rank: Rank = Rank.AT_OPEN


type MatchEvent = Filled | Triggered | Expired | Refused


def first_of(events: Iterable[MatchEvent | None]) -> MatchEvent | None:
    """Return which of what a bar does to single orders comes first; None where it does nothing.

    The caller applies it, which may add and cancel orders, and asks again. An order that was filled in part or
    triggered has had its turn on the bar; once nothing happens any more, `follow` says what the others make of it.
    """
    found = (event for event in events if event is not None)
    return min(found, key=lambda event: (event.rank, event.order.sequence), default=None)


def match(
    order: RestingOrder, bar: Bar, costs: Costs, instrument: InstrumentSpec, liquidity: Liquidity = UNLIMITED
) -> MatchEvent | None:
    """Return what the bar does to one order, or None where it goes on resting."""
    if order.expires_at is not None and bar.open_time >= order.expires_at:
        return Expired(order)
    found = _touch(order, bar, instrument)
    if order.is_immediate and (found is None or found[1] is not Rank.AT_OPEN):
        return Expired(order, f"The first open, {bar.open:f}, did not reach its price.")
    if found is None:
        return Triggered(order) if _triggers(order, bar) else None
    price, rank = found
    if order.post_only and not order.is_triggered and rank is Rank.AT_OPEN:
        return Refused(order, f"A post-only order never takes, and at {price:f} it would have.")
    quantity = liquidity.available(order, bar, instrument)
    if not quantity or (order.time_in_force is TimeInForce.FOK and quantity < order.quantity):
        return _short_of_volume(order, rank)
    return Filled(order, _fill_price(order, price, costs, instrument), rank, quantity)


def follow(order: RestingOrder, bar: Bar) -> RestingOrder:
    """Return the order as the bar leaves it, where the bar did nothing to it: most are as they were."""
    if order.type is OrderType.TRAILING_STOP and not order.is_triggered:
        seen = bar.open if order.best_price is None else order.best_price
        best = max(seen, bar.high) if order.side is Side.SELL else min(seen, bar.low)
        return replace(order, best_price=best)
    if order.post_only and not order.is_triggered:
        return replace(order, is_triggered=True)
    return order


def follows(order: RestingOrder) -> bool:
    """Return whether a bar that does nothing to the order may change it all the same."""
    return not order.is_triggered and (order.post_only or order.type is OrderType.TRAILING_STOP)


def stop_of(order: RestingOrder, bar: Bar, instrument: InstrumentSpec) -> Decimal:
    """Return where the order's stop stands while it meets the bar; a trailing one begins behind its first open."""
    if order.type is not OrderType.TRAILING_STOP:
        return _price(order.stop_price)
    best = bar.open if order.best_price is None else order.best_price
    if order.trail_amount is not None:
        return instrument.round_price(best + order.side.sign * order.trail_amount)
    return instrument.round_price(best * (1 + order.side.sign * _price(order.trail_percent) / 100))


def _short_of_volume(order: RestingOrder, rank: Rank) -> Triggered | Expired | None:
    """Return what becomes of an order that the bar reached, and that finds too little left to take."""
    if order.is_immediate:
        return Expired(order, "The share of the candle's volume that it may take was too small.")
    waits_for_stop = order.is_stop or order.type is OrderType.STOP_LIMIT
    return Triggered(order, rank) if waits_for_stop and not order.is_triggered else None


def _touch(order: RestingOrder, bar: Bar, instrument: InstrumentSpec) -> tuple[Decimal, Rank] | None:
    """Return the price that the bar gives the order before costs, and when in the bar."""
    match order.type:
        case OrderType.MARKET:
            return bar.open, Rank.AT_OPEN
        case OrderType.LIMIT:
            return _reach_limit(order.side, _price(order.limit_price), bar)
        case OrderType.TAKE_PROFIT:
            return _reach_limit(order.side, _price(order.stop_price), bar)
        case OrderType.STOP | OrderType.TRAILING_STOP:
            if order.is_triggered:
                return bar.open, Rank.AT_OPEN
            return _reach_stop(order.side, stop_of(order, bar, instrument), bar)
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
    if order.is_stop or order.type is OrderType.MARKET:
        return instrument.round_price_against(price * (1 + order.side.sign * costs.slippage_rate), order.side)
    # The data's prices may be finer than the tick; a limit order never fills worse than its limit, which is on it.
    return instrument.round_price(price)


def _price(price: Decimal | None) -> Decimal:
    if price is None:
        raise ValueError("A resting order has the prices that its type needs.")
    return price
