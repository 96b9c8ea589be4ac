"""The equity curve looked at: drawdowns, months, and the buy-and-hold curve that it is measured against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from algotrendy.trading.backtest.results import Result
from algotrendy.trading.candles import Floats, Times


@dataclass(frozen=True, slots=True)
class Underwater:
    """A time below an earlier peak: from the peak to the recovery, `end` None where there is none yet.

    Times are Unix seconds; `depth` is the share of the peak lost at the lowest point.
    """

    start: int
    bottom: int
    end: int | None
    depth: float
    seconds: int


@dataclass(frozen=True, slots=True)
class Month:
    year: int
    month: int
    share: float


def drawdowns(equity: Floats, initial: float) -> Floats:
    """Return at each point the share that is lost from the highest point so far, the initial cash included."""
    peaks = np.maximum(np.maximum.accumulate(equity), initial)
    return 1 - equity / peaks


def underwater_periods(time: Times, equity: Floats, initial: float, begin: int) -> list[Underwater]:
    """Return the periods below a peak, the deepest first; `begin` is the time of the initial cash."""
    lost = np.concatenate([[0.0], drawdowns(equity, initial)])
    times = np.concatenate([[begin], time])
    below = np.concatenate([lost > 0, [False]])
    firsts = np.flatnonzero(below[1:] & ~below[:-1]) + 1
    ends = np.flatnonzero(~below[1:] & below[:-1]) + 1
    periods = []
    for first, end in zip(firsts, ends, strict=True):
        bottom = first + int(np.argmax(lost[first:end]))
        is_over = end < len(times)
        start, stop = int(times[first - 1]), int(times[end if is_over else -1])
        periods.append(
            Underwater(start, int(times[bottom]), stop if is_over else None, float(lost[bottom]), stop - start)
        )
    return sorted(periods, key=lambda period: (-period.depth, period.start))


def months(time: Times, equity: Floats, initial: float) -> list[Month]:
    """Return the return of each calendar month (UTC); a point at midnight belongs to the month that it ends."""
    stamps = (time - 1).astype("datetime64[s]").astype("datetime64[M]")
    last = np.flatnonzero(np.append(stamps[1:] != stamps[:-1], True))
    values = np.concatenate([[initial], equity[last]])
    numbers = stamps[last].astype(int)
    shares = values[1:] / values[:-1] - 1
    return [Month(1970 + int(n) // 12, 1 + int(n) % 12, float(s)) for n, s in zip(numbers, shares, strict=True)]


def buy_and_hold(result: Result) -> Floats:
    """Return what the initial cash would be worth at each point, put in equal parts into what was traded.

    Each part is bought at its first close in the period, without costs, and kept.
    """
    distinct = {(book.candles.symbol, book.candles.timeframe): book for book in result.books}.values()
    total = np.zeros(len(result.equity))
    time = result.time
    for book in distinct:
        candles = book.candles
        closes = candles.time[book.first :] + int(candles.timeframe.duration.total_seconds())
        at = np.searchsorted(closes, time, side="right") - 1
        prices = candles.close[book.first :]
        total += prices[np.maximum(at, 0)] / prices[0]
    return total * (result.initial_cash / len(distinct))


def begin_of(result: Result) -> int:
    """Return when the period begins: the open of its first bar, in Unix seconds."""
    return min(int(book.candles.time[book.first]) for book in result.books)
