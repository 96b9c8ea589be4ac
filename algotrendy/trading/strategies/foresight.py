"""Whether a rule knows the future: its signals up to a candle must not change with what comes after."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from algotrendy.trading.candles import Candles
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies.base import Strategy


def changed_cuts(strategy: Strategy, candles: Candles, cuts: Iterable[int]) -> list[int]:
    """Return those of the cuts, each a number of candles that are kept, that change what was said about these."""
    whole = strategy.signals(candles)
    return [cut for cut in cuts if not same_signals(strategy.signals(candles.head(cut)), whole, cut)]


def same_signals(cut: SignalColumns, whole: SignalColumns, length: int) -> bool:
    """Return whether signals agree on their first rows, to what a running sum may leave of noise."""
    if not np.array_equal(cut.action, whole.action[:length]):
        return False
    pairs = (
        (cut.confidence, whole.confidence), (cut.stop_loss, whole.stop_loss), (cut.take_profit, whole.take_profit)
    )  # fmt: skip
    return all(np.allclose(a, b[:length], rtol=1e-9, atol=1e-12, equal_nan=True) for a, b in pairs)
