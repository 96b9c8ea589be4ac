"""Candles: one as a value for matching and money, many as columns for indicators and strategies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from .errors import InvalidCandle
from .values import Timeframe

type Floats = npt.NDArray[np.float64]
type Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bar:
    """One finished candle. `open_time` is UTC; prices and volume are exact decimals."""

    symbol: str
    timeframe: Timeframe
    open_time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @property
    def close_time(self) -> datetime:
        """The moment at which the bar is finished: its open time plus the timeframe."""
        return self.open_time + self.timeframe.duration

    def validate(self) -> None:
        """Raise InvalidCandle unless low ≤ open, close ≤ high, prices are positive and volume ≥ 0."""
        numbers = (self.open, self.high, self.low, self.close, self.volume)
        if not all(number.is_finite() for number in numbers):
            raise InvalidCandle("a price or the volume is not a number")
        if self.low <= 0:
            raise InvalidCandle(f"low {self.low} is not above 0")
        if self.volume < 0:
            raise InvalidCandle(f"volume {self.volume} is negative")
        for name, price in (("open", self.open), ("close", self.close)):
            if price < self.low:
                raise InvalidCandle(f"low {self.low} is above {name} {price}")
            if price > self.high:
                raise InvalidCandle(f"high {self.high} is below {name} {price}")
        if self.open_time.tzinfo is None or not self.timeframe.is_open_time(self.open_time):
            raise InvalidCandle(f"{self.open_time} does not start a {self.timeframe} bar in UTC (wrong time zone?)")


@dataclass(frozen=True, slots=True)
class Candles:
    """Finished candles as equally long columns, oldest first.

    `time` holds open times as Unix seconds (int64); the other columns are float64.
    """

    symbol: str
    timeframe: Timeframe
    time: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.time)

    def open_time_at(self, index: int) -> datetime:
        return datetime.fromtimestamp(int(self.time[index]), tz=UTC)

    def head(self, length: int) -> Candles:
        """Return the oldest `length` candles, as views."""
        return self._cut(slice(0, length))

    def tail(self, length: int) -> Candles:
        """Return the newest `length` candles, as views."""
        return self._cut(slice(max(len(self) - length, 0), len(self)))

    def read_only(self) -> Candles:
        """Return views that cannot be written to; candles that cannot be already are returned as they are."""
        columns = (self.time, self.open, self.high, self.low, self.close, self.volume)
        if not any(column.flags.writeable for column in columns):
            return self
        views = self._cut(slice(None))
        for view in (views.time, views.open, views.high, views.low, views.close, views.volume):
            view.flags.writeable = False
        return views

    def _cut(self, part: slice) -> Candles:
        return Candles(
            self.symbol,
            self.timeframe,
            self.time[part],
            self.open[part],
            self.high[part],
            self.low[part],
            self.close[part],
            self.volume[part],
        )
