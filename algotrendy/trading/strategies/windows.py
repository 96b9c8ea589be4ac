"""How much history a strategy sees when it is run live: its newest candles and no more.

An indicator with a long memory (an exponential average, Wilder's RSI, MACD) keeps a trace of all it has ever seen. Seen
through a window it starts anew with each candle, so its value differs a little from one that was carried along since
the beginning: by (1 - 1/n)^(window - n) of the difference at the start for Wilder's smoothing over n candles. With 500
candles that is nothing for a period of 14, and 2 % for one of 100.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from algotrendy.trading.candles import Candles
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies.base import Strategy
from algotrendy.trading.strategies.checking import check_shape, check_signals

MIN_WINDOW = 500
"""Every run sees this many candles, so that indicators with a long memory are the same live and in a replay."""


def window_length(strategy: Strategy) -> int:
    """Return how many candles a run of the strategy sees."""
    return max(MIN_WINDOW, 4 * strategy.warm_up)


def signals_through_window(
    strategy: Strategy, candles: Candles, first: int = 0, progress: Callable[[], object] = lambda: None
) -> SignalColumns:
    """Return the signal on every candle from `first` on as a live run gives it, each from its own window; slowly.

    Raises InvalidSignals where one of them breaks the contract.
    """
    count, sealed = len(candles), candles.read_only()
    action, confidence = np.zeros(count, dtype=np.int8), np.zeros(count)
    stop, target = np.full(count, np.nan), np.full(count, np.nan)
    for row in range(first, count):
        if row >= strategy.warm_up:
            window = window_at(strategy, sealed, row)
            seen = check_shape(strategy, strategy.signals(window), window)
            action[row], confidence[row] = seen.action[-1], seen.confidence[-1]
            stop[row], target[row] = seen.stop_loss[-1], seen.take_profit[-1]
        progress()
    return check_signals(strategy, SignalColumns(action, confidence, stop, target), candles)


def window_at(strategy: Strategy, candles: Candles, row: int) -> Candles:
    """Return what a live run sees when the candle of that row is the newest."""
    return candles.head(row + 1).tail(window_length(strategy))
