"""Technical indicators on float64 columns: TA-Lib's where it has them, NumPy's where it has not.

Every function takes columns of one length, oldest first, and returns columns of that length with NaN where there are
too few values yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from algotrendy.trading.candles import Floats
from algotrendy.trading.ta_lib import talib

type _Known = dict[tuple[str, int, int], tuple[Floats, Floats]]
_known: ContextVar[_Known | None] = ContextVar("known_indicators", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Work out SMA, EMA and RSI of the same column and period once within it; what they return cannot be written to."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def sma(values: Floats, period: int) -> Floats:
    """Return the simple moving average."""
    return _once("sma", values, period, talib.SMA)


def ema(values: Floats, period: int) -> Floats:
    """Return the exponential moving average, seeded with the SMA, k = 2 / (period + 1)."""
    return _once("ema", values, period, talib.EMA)


def rsi(close: Floats, period: int) -> Floats:
    """Return Wilder's relative strength index, 0 to 100 (New Concepts in Technical Trading Systems, 1978).

    Where the price has not moved at all TA-Lib gives 0, which would read as oversold; here it is the neutral 50.
    """
    return _once("rsi", close, period, _rsi)


def _rsi(close: Floats, period: int) -> Floats:
    values: Floats = talib.RSI(close, period)
    if len(close) > period and np.ptp(close[: period + 1]) == 0:
        moved = close != close[0]
        values[period : int(moved.argmax()) if moved.any() else len(close)] = 50.0
    return values


def _once(name: str, values: Floats, period: int, compute: Callable[[Floats, int], Floats]) -> Floats:
    known = _known.get()
    if known is None:
        return compute(values, period)
    key = (name, id(values), period)
    if key not in known:
        result = compute(values, period)
        result.flags.writeable = False
        known[key] = values, result  # with the column, so that its id stays its own
    return known[key][1]


def macd(close: Floats, fast: int, slow: int, signal: int) -> tuple[Floats, Floats, Floats]:
    """Return Appel's MACD line, its signal line (an EMA of the MACD line) and the histogram, in price units."""
    return talib.MACD(close, fast, slow, signal)


def mfi(high: Floats, low: Floats, close: Floats, volume: Floats, period: int) -> Floats:
    """Return the money flow index, 0 to 100: the RSI's idea on typical price times volume (Quong and Soudack).

    Where no money flowed in the period (no volume, or no move of the typical price) it is the neutral 50.
    """
    values = np.array(talib.MFI(high, low, close, volume, period))
    typical = (high + low + close) / 3
    flowed = np.zeros(len(close))
    flowed[1:] = (np.diff(typical) != 0) & (volume[1:] > 0)
    values[(rolling_sum(flowed, period) == 0) & ~np.isnan(values)] = 50.0
    return values


def vwap(high: Floats, low: Floats, close: Floats, volume: Floats, period: int) -> Floats:
    """Return the rolling volume-weighted average of the typical price; NaN where the period has no volume."""
    weights = rolling_sum(volume, period)
    with np.errstate(divide="ignore", invalid="ignore"):
        average = rolling_sum((high + low + close) / 3 * volume, period) / weights
    return np.where(weights > 0, average, np.nan)


def volatility(close: Floats, period: int) -> Floats:
    """Return the population standard deviation of the last `period` one-candle returns, as a share (0.01 is 1 %)."""
    result = np.full(len(close), np.nan)
    if len(close) > period:
        returns = np.diff(close) / close[:-1]
        result[period:] = _windows(returns, period).std(axis=1)
    return result


def bollinger(close: Floats, period: int) -> tuple[Floats, Floats]:
    """Return the middle of Bollinger's bands, a simple average, and the deviation that their width is a multiple of.

    The deviation is the population's: over `period`, not `period - 1` (Bollinger on Bollinger Bands, 2001).
    """
    middle, deviation = np.full(len(close), np.nan), np.full(len(close), np.nan)
    if len(close) >= period:
        windows = _windows(close, period)
        middle[period - 1 :], deviation[period - 1 :] = windows.mean(axis=1), windows.std(axis=1)
    return middle, deviation


def channel(high: Floats, low: Floats, period: int) -> tuple[Floats, Floats]:
    """Return Donchian's channel: the highest high and the lowest low of the `period` candles *before* each."""
    top, bottom = np.full(len(high), np.nan), np.full(len(high), np.nan)
    if len(high) > period:
        top[period:] = _windows(high[:-1], period).max(axis=1)
        bottom[period:] = _windows(low[:-1], period).min(axis=1)
    return top, bottom


def atr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Return Wilder's average true range, in price units; the first is the plain mean of `period` true ranges."""
    values: Floats = talib.ATR(high, low, close, period)
    return values


def rolling_sum(values: Floats, period: int) -> Floats:
    """Return the sum of the last `period` values, each window summed for itself: no error is carried along."""
    result = np.full(len(values), np.nan)
    if len(values) >= period:
        result[period - 1 :] = _windows(values, period).sum(axis=1)
    return result


def rolling_mean(values: Floats, period: int) -> Floats:
    """Return the mean of the last `period` values, each window for itself."""
    return rolling_sum(values, period) / period


def _windows(values: Floats, period: int) -> Floats:
    windows: Floats = np.lib.stride_tricks.sliding_window_view(values, period)
    return windows
