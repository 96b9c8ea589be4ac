"""Walk-forward: choose on the past, trade what follows, move on; only what follows counts.

Each fold starts flat with what the one before ended with; what is still held at a fold's end is worth its last close.
The chosen set is warmed up by the candles before its stretch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from algotrendy.trading.backtest.engine import signals_of, simulate
from algotrendy.trading.backtest.metrics import YEAR, Market, ratio, returns_of
from algotrendy.trading.backtest.optimizing.evaluating import Trial
from algotrendy.trading.backtest.optimizing.folds import Fold
from algotrendy.trading.backtest.optimizing.outcomes import Outcome, best_of
from algotrendy.trading.backtest.optimizing.searching import Search, planned, suggested, trials_of
from algotrendy.trading.backtest.optimizing.space import Point
from algotrendy.trading.backtest.packing import Book
from algotrendy.trading.candles import Floats, Times
from algotrendy.trading.strategies.windows import MIN_WINDOW

BATCH = 16


@dataclass(frozen=True, slots=True)
class Walked:
    """What became of a fold; `time` and `equity` are of the stretch after the choice, from the initial cash on.

    Without a set that may be chosen nothing is traded: the equity stays where it was.
    """

    fold: Fold
    chosen: Outcome | None
    tried: int
    time: Times
    equity: Floats
    trades: int


def walk_fold(
    trial: Trial,
    fold: Fold,
    *,
    search: Search,
    trials: int | None,
    seed: int,
    progress: Callable[[], object] = lambda: None,
) -> Walked:
    """Choose on the fold's past and trade what follows; no candle from `middle` on has a say in the choice."""
    past = _within(trial, fold.begin, fold.middle)
    outcomes = _searched(past, search, trials, seed, progress)
    chosen = best_of(outcomes, trial.objective)
    after = _within(trial, fold.middle, fold.end)
    if chosen is None:
        time = after.series[0].candles.time[after.series[0].first :]
        flat = np.full(len(time), float(trial.config.initial_cash))
        return Walked(fold, None, len(outcomes), time, flat, 0)
    strategy = trial.space.rule.configure(trial.space.parameters(chosen.point))
    books = [
        Book(each.candles, signals_of(strategy, each.candles, trial.plan), each.instrument, trial.plan, each.first)
        for each in after.series
    ]
    result = simulate(books, trial.config)
    return Walked(fold, chosen, len(outcomes), result.time, result.equity, len(result.trades))


def stitched(walked: Sequence[Walked], initial: float) -> tuple[Times, Floats]:
    """Return the folds' stretches as one curve: each goes on from what the one before ended with."""
    worth, curves = initial, []
    for each in walked:
        curve = worth * each.equity / initial
        curves.append(curve)
        worth = float(curve[-1]) if len(curve) else worth
    return np.concatenate([each.time for each in walked]), np.concatenate(curves)


def curve_figures(
    time: Times, equity: Floats, initial: float, begin: int, market: Market, step: int
) -> dict[str, float]:
    """Return the figures that a curve alone can give; shares, not percent."""
    returns = returns_of(equity, initial)
    years = (int(time[-1]) - begin) / YEAR
    per_year = YEAR / step if market is Market.CONTINUOUS else len(equity) / years
    growth = float(equity[-1]) / initial
    spread = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0) ** 2)))
    peaks = np.maximum(np.maximum.accumulate(equity), initial)
    deepest = float((1 - equity / peaks).max(initial=0.0))
    annual = growth ** (1 / years) - 1 if growth > 0 else -1.0
    return {
        "final_equity": float(equity[-1]),
        "total_return": growth - 1,
        "annual_return": annual,
        "sharpe": ratio(float(returns.mean()), spread) * per_year**0.5,
        "sortino": ratio(float(returns.mean()), downside) * per_year**0.5,
        "max_drawdown": deepest,
        "calmar": ratio(annual, deepest),
    }


def efficiency(after: float, before: Sequence[float]) -> float:
    """Return Pardo's walk-forward efficiency: the annualized return traded, over the mean of those chosen on.

    NaN where the choices did not earn anything themselves.
    """
    mean = float(np.mean(before)) if len(before) else 0.0
    return after / mean if mean > 0 else float("nan")


def stability(chosen: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, float]:
    """Return for each parameter how much the choices differ: their deviation over their mean; NaN for a mean of 0."""
    found = {}
    for name in names:
        values = np.array([float(each[name]) for each in chosen])
        mean = float(values.mean()) if len(values) else 0.0
        found[name] = float(values.std()) / abs(mean) if mean else float("nan")
    return found


def _within(trial: Trial, begin: int, end: int) -> Trial:
    history = 4 * MIN_WINDOW
    series = [each.between(begin, end, history) for each in trial.series]
    return Trial(trial.space, series, trial.objective, trial.market, trial.plan, trial.config)


def _searched(
    trial: Trial, search: Search, trials: int | None, seed: int, progress: Callable[[], object]
) -> list[Outcome]:
    wanted = trials_of(search, trial.space, trials)
    if search is not Search.TPE:
        return trial.run(planned(search, trial.space, seed, 0, wanted), progress)
    outcomes: list[Outcome] = []
    while len(outcomes) < wanted:
        told: list[tuple[Point, float | None]] = [(each.point, worth_of(each, trial)) for each in outcomes]
        points = suggested(trial.space, seed, told, min(BATCH, wanted - len(outcomes)))
        if not points:
            break
        outcomes += trial.run(points, progress)
    return outcomes


def worth_of(outcome: Outcome, trial: Trial) -> float | None:
    """Return the objective's figure as something to be maximized; None for a trial that cannot be chosen."""
    return None if outcome.objective is None else trial.objective.sign * outcome.objective
