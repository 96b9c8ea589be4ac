"""What a backtest gives back: trades as columns, the equity curve, and what was refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from algotrendy.trading.backtest.config import BacktestConfig
from algotrendy.trading.candles import Candles, Floats, Times

type Integers = npt.NDArray[np.int64]


class ExitReason(StrEnum):
    """Why a trade ended, in the order of the compiled code's numbers."""

    SIGNAL = "signal"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    STILL_OPEN = "still_open"


REASONS = tuple(ExitReason)


class Moment(StrEnum):
    """When in its bar a fill happened, in the order of the compiled code's numbers."""

    OPEN = "open"
    INSIDE = "inside"
    CLOSE = "close"


MOMENTS = tuple(Moment)


@dataclass(frozen=True, slots=True)
class Trades:
    """Round trips as columns, by the time of their exit; those still open come last, marked at the last close.

    `book` and the bars are indices into the result's books and their candles; `side` is 1 long, -1 short; `reason`
    indexes REASONS, `entry_moment` and `exit_moment` index MOMENTS. Times are Unix seconds: the bar's open time for a
    fill at the open, its close time else. `pnl` is net of both fees; `share` is it over the entry's value.
    """

    book: Integers
    side: Integers
    quantity: Floats
    entry_bar: Integers
    exit_bar: Integers
    entry_price: Floats
    exit_price: Floats
    entry_fee: Floats
    exit_fee: Floats
    reason: Integers
    entry_moment: Integers
    exit_moment: Integers
    entry_time: Times
    exit_time: Times
    value: Floats
    pnl: Floats
    share: Floats

    def __len__(self) -> int:
        return len(self.book)

    @property
    def is_closed(self) -> npt.NDArray[np.bool_]:
        return self.reason != REASONS.index(ExitReason.STILL_OPEN)

    def where(self, chosen: npt.NDArray[np.bool_]) -> Trades:
        """Return the chosen rows."""
        return Trades(*(getattr(self, name)[chosen] for name in self.__slots__))

    @property
    def closed(self) -> Trades:
        return self.where(self.is_closed)


@dataclass(frozen=True, slots=True)
class Traded:
    """A book as it was traded: its name and candles, and the first of them that it could trade on."""

    name: str
    candles: Candles
    first: int
    contract_size: float


@dataclass(frozen=True)
class Result:
    """A finished run. `equity` is the account's worth at each of `time`, the bars' close times in Unix seconds.

    These are kept as `bar_time`, to which `bar_seconds` are to be added. `denied` counts what the limits refused, by
    their codes; `skipped` what the instrument does not take; `canceled` the limit entries that ran out or were
    overtaken.
    """

    config: BacktestConfig
    books: tuple[Traded, ...]
    bar_time: Times
    bar_seconds: int
    equity: Floats
    denied: Mapping[str, int]
    skipped: int
    canceled: int
    fees: float
    collect: Callable[[], Trades] = field(repr=False, compare=False)

    @cached_property
    def trades(self) -> Trades:
        """The trades, made of the compiled code's rows when they are first asked for."""
        return self.collect()

    @property
    def time(self) -> Times:
        return self.bar_time + self.bar_seconds

    @property
    def initial_cash(self) -> float:
        return float(self.config.initial_cash)

    @property
    def final_equity(self) -> float:
        return float(self.equity[-1]) if len(self.equity) else self.initial_cash

    def cash(self) -> Floats:
        """Return the cash at each of `time`: the initial cash and what every fill until then moved."""
        trades = self.trades
        closed = trades.is_closed
        paid = -trades.side * trades.value - trades.entry_fee
        got = trades.side * trades.value + trades.pnl + trades.entry_fee
        bars = np.concatenate([self.closes(trades.entry_bar), self.closes(trades.exit_bar)[closed]])
        flows = np.zeros(len(self.time))
        np.add.at(flows, np.searchsorted(self.time, bars), np.concatenate([paid, got[closed]]))
        return self.initial_cash + np.cumsum(flows)

    def closes(self, bars: Integers) -> Times:
        """Return the close times of the trades' bars."""
        times = np.zeros(len(bars), dtype=np.int64)
        for number, book in enumerate(self.books):
            mine = self.trades.book == number
            times[mine] = book.candles.time[bars[mine]] + int(book.candles.timeframe.duration.total_seconds())
        return times
