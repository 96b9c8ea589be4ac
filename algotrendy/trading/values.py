"""Words and numbers shared by the whole core.

Money, prices and quantities are `Decimal` with at most 8 decimals; times are aware UTC datetimes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

ZERO = Decimal(0)
QUANTUM = Decimal("0.00000001")
"""The smallest amount the platform keeps: 8 decimals."""


def quantize(value: Decimal) -> Decimal:
    """Round an amount to 8 decimals, half to even."""
    return value.quantize(QUANTUM, rounding=ROUND_HALF_EVEN)


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    """A stop that follows the best price since it rests, by an amount or by percent."""

    @property
    def needs_limit_price(self) -> bool:
        return self in (OrderType.LIMIT, OrderType.STOP_LIMIT)

    @property
    def needs_stop_price(self) -> bool:
        return self in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT)

    @property
    def may_post_only(self) -> bool:
        """Whether an order of this type can be told never to take."""
        return self is OrderType.LIMIT


class TimeInForce(StrEnum):
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    DAY = "day"
    GTD = "gtd"


class MarginMode(StrEnum):
    CROSS = "cross"
    ISOLATED = "isolated"


class PositionSide(StrEnum):
    LONG = "long"
    SHORT = "short"
    FLAT = "flat"


class Timeframe(StrEnum):
    """A bar's length; weeks start on Monday UTC."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"
    W1 = "1w"

    @property
    def duration(self) -> timedelta:
        return _DURATIONS[self]

    def floor(self, moment: datetime) -> datetime:
        """Return the open time of the bar that holds the moment."""
        if moment.tzinfo is None:
            raise ValueError("A time without a zone cannot be placed on a bar.")
        return moment - (moment - ORIGIN) % self.duration

    def is_open_time(self, moment: datetime) -> bool:
        return self.floor(moment) == moment


ORIGIN = datetime(1970, 1, 5, tzinfo=UTC)
"""The Monday from which bars of every length are counted."""
_DURATIONS = {
    Timeframe.M1: timedelta(minutes=1),
    Timeframe.M5: timedelta(minutes=5),
    Timeframe.M15: timedelta(minutes=15),
    Timeframe.M30: timedelta(minutes=30),
    Timeframe.H1: timedelta(hours=1),
    Timeframe.H4: timedelta(hours=4),
    Timeframe.D1: timedelta(days=1),
    Timeframe.W1: timedelta(weeks=1),
}
