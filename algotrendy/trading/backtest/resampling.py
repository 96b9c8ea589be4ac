"""What chance would have made of the same trades: the account's fate when they are drawn anew, with replacement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from algotrendy.trading.backtest.results import Result
from algotrendy.trading.candles import Floats

DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Band:
    """Total returns that 5, 50 and 95 of 100 draws stay below, the share of draws that lose money, and the drawdown
    that one draw in twenty passes.
    """

    draws: int
    low: float
    median: float
    high: float
    loss_share: float
    drawdown: float


def bootstrap(result: Result, *, seed: int, draws: int = DRAWS) -> Band | None:
    """Return the band of the closed trades, each as a share of the account that it was opened with; None below two."""
    shares = trade_returns(result)
    if len(shares) < 2:
        return None
    rng = np.random.default_rng(seed)
    finals, deepest = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        path = np.cumprod(1 + shares[rng.integers(0, len(shares), len(shares))])
        peaks = np.maximum(np.maximum.accumulate(path), 1.0)
        finals[draw], deepest[draw] = path[-1] - 1, (1 - path / peaks).max()
    low, median, high = np.quantile(finals, [0.05, 0.5, 0.95]).tolist()
    return Band(draws, low, median, high, float(np.mean(finals < 0)), float(np.quantile(deepest, 0.95)))


def trade_returns(result: Result) -> Floats:
    """Return each closed trade's profit as a share of the account's worth before it, no worse than its loss."""
    closed = result.trades.closed
    before = np.searchsorted(result.time, closed.entry_time, side="right") - 1
    worth = np.where(before < 0, result.initial_cash, result.equity[np.maximum(before, 0)])
    return np.maximum(np.divide(closed.pnl, worth, out=np.zeros(len(closed)), where=worth > 0), -1.0)
