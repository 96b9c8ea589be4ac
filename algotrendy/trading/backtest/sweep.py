"""Many parameter sets on the same candles, one after another on one core, each told in a row of figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from algotrendy.trading.backtest import layout as at
from algotrendy.trading.backtest.compiling import compiled
from algotrendy.trading.backtest.config import BacktestConfig, TradePlan
from algotrendy.trading.backtest.engine import play_one, prepare, signals_of
from algotrendy.trading.backtest.packing import Book
from algotrendy.trading.backtest.results import Integers
from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.indicators import remembering
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.strategies.base import Strategy


@dataclass(frozen=True, slots=True)
class Sweep:
    """One row for each parameter set, as columns; `trades` are the closed ones, `sharpe` is of a bar, not of a year."""

    strategies: tuple[Strategy, ...]
    final_equity: Floats
    max_drawdown: Floats
    sharpe: Floats
    trades: Integers

    @property
    def best(self) -> Strategy:
        """The parameter set with the highest final equity; of equal ones the first."""
        return self.strategies[int(self.final_equity.argmax())]


class _Told(NamedTuple):
    final: float
    drawdown: float
    sharpe: float


def sweep(
    strategies: Sequence[Strategy],
    candles: Candles,
    instrument: InstrumentSpec,
    *,
    plan: TradePlan | None = None,
    config: BacktestConfig | None = None,
    first: int = 0,
    progress: Callable[[], object] = lambda: None,
) -> Sweep:
    """Backtest every strategy by itself from candle `first` on; keep the figures and no curve."""
    plan, config = plan or TradePlan(), config or BacktestConfig()
    equity = np.empty(max(len(candles) - first, 0))
    told, counts = [], []
    seen = candles.read_only()  # one view for all, so that indicators on it are remembered
    with remembering():
        for strategy in strategies:
            book = Book(candles, signals_of(strategy, seen, plan), instrument, plan, first, strategy.name)
            run, _ = prepare([book], config)
            play_one(run, equity, first)
            told.append(_tell(equity, float(config.initial_cash)))
            counts.append(int(run.account[at.A_COUNT]))
            progress()
    final, drawdown, sharpe = np.array(told).reshape(-1, 3).T
    return Sweep(tuple(strategies), final, drawdown, sharpe, np.array(counts, dtype=np.int64))


@compiled
def _tell(equity: Floats, initial: float) -> _Told:
    """Return the last value, the deepest fall from a peak, and the mean return over its deviation; one pass."""
    peak, lowest, before, total, squares = initial, 1.0, initial, 0.0, 0.0
    for value in equity:
        if value == before:  # nothing is held: dividing would cost most of the time
            continue
        peak = max(peak, value)
        if value < lowest * peak:
            lowest = value / peak
        change = value / before - 1 if before > 0 else 0.0
        total, squares, before = total + change, squares + change * change, value
    count = len(equity)
    variance = (squares - total * total / count) / (count - 1) if count > 1 else 0.0
    return _Told(before, 1 - lowest, total / count / np.sqrt(variance) if variance > 0 else np.nan)
