"""Candles that never were: what a rule is tried on where there are none of its own."""

from __future__ import annotations

import numpy as np

from algotrendy.trading.candles import Candles
from algotrendy.trading.values import Timeframe

FIRST_OPEN = 1_577_836_800
"""2020-01-01, in Unix seconds."""


def random_walk(timeframe: Timeframe, length: int, *, seed: int) -> Candles:
    """Return candles of a price that starts at 100 and moves by some 1 % a candle; the same seed, the same candles.

    Returns have fat tails (Student's t of 4 degrees), volumes are log-normal around a million: far enough apart for
    rules that wait for large moves or much volume.
    """
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(0.007 * rng.standard_t(4, length)))
    opening = np.concatenate([[100.0], close[:-1]])[:length]
    above, below = 1 + np.abs(rng.normal(0, 0.004, (2, length)))
    seconds = int(timeframe.duration.total_seconds())
    return Candles(
        "GENERATED",
        timeframe,
        FIRST_OPEN + seconds * np.arange(length, dtype=np.int64),
        opening,
        np.maximum(opening, close) * above,
        np.minimum(opening, close) / below,
        close,
        1e6 * np.exp(rng.normal(0, 0.5, length)),
    )
