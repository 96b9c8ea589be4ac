"""The candles of the benchmark, the same for every engine: one-minute bars of a random walk, in cents."""

from __future__ import annotations

from functools import cache

import numpy as np

CASH, FEE = 1_000_000, 0.001
TIE = 1e-12
"""Averages closer than this share of the price are equal, and hold; TA-Lib's running sums leave that much noise."""
SPEND = 0.9999
"""The share of the cash that an entry spends where it spends all: backtesting.py's default."""


@cache
def market(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(42)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.0004, count))), 2)
    opened = np.concatenate([close[:1], close[:-1]])
    opened = np.round(opened + 0.01 * rng.integers(-1, 2, count), 2)
    high = np.round(np.maximum(opened, close) + 0.01 * rng.integers(0, 5, count), 2)
    low = np.round(np.minimum(opened, close) - 0.01 * rng.integers(0, 5, count), 2)
    volume = rng.integers(1, 1000, count).astype(float)
    return {"time": 60 * np.arange(count), "open": opened, "high": high, "low": low, "close": close, "volume": volume}


def pairs() -> list[tuple[int, int]]:
    """Return the hundred pairs of averages that the sweep tries."""
    return [(fast, slow) for fast in range(5, 55, 5) for slow in range(60, 160, 10)]
