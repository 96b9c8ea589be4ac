"""The seam between stored optimizations and the search: rows become spaces, objectives and candles to try on."""

from __future__ import annotations

from datetime import datetime

from algotrendy.trading.backtest.optimizing.evaluating import Traded, Trial
from algotrendy.trading.backtest.optimizing.objective import Comparator, Constraint, Objective
from algotrendy.trading.backtest.optimizing.space import InvalidSpace, Space, space_of
from algotrendy.trading.backtest.optimizing.walking import Fold, Walk, folds_of
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.windows import MIN_WINDOW
from algotrendy.trading.values import Timeframe
from apps.marketdata.selectors import candles_between
from apps.strategies.backtests import market_of, setup_account, setup_plan
from apps.strategies.models import Optimization

HISTORY = 4 * MIN_WINDOW
"""Candles before the period, which the longest warm-up may need."""


def space_for(optimization: Optimization) -> Space:
    """Return the space that is searched; raises InvalidSpace or InvalidParameter."""
    return space_of(registry.get(optimization.rule), optimization.space, optimization.parameters)


def objective_of(optimization: Optimization) -> Objective:
    """Return what is to be optimized; raises InvalidSpace."""
    try:
        constraints = tuple(
            Constraint(each["metric"], Comparator(each["comparator"]), float(each["value"]))
            for each in optimization.constraints
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidSpace("A constraint has a metric, a comparator (at_least, at_most) and a value.") from error
    objective = Objective(optimization.metric, optimization.maximize, constraints)
    objective.validate()
    return objective


def trial_of(optimization: Optimization) -> Trial:
    """Return what every point is tried on, with the candles read."""
    instruments = list(optimization.instruments.all())
    series = []
    for instrument in instruments:
        candles = candles_between(
            instrument=instrument,
            timeframe=optimization.timeframe,
            source=optimization.source,
            start=optimization.start,
            end=optimization.end,
            before=HISTORY if optimization.start else 0,
        )
        first = 0 if optimization.start is None else int(candles.time.searchsorted(_seconds(optimization.start)))
        series.append(Traded(candles, instrument.spec, first))
    return Trial(
        space_for(optimization),
        series,
        objective_of(optimization),
        market_of(instruments),
        setup_plan(optimization),
        setup_account(optimization),
    )


def folds_for(optimization: Optimization, trial: Trial) -> list[Fold]:
    """Return the folds of a walk over the first instrument's candles; raises InvalidSpace."""
    series = trial.series[0]
    return folds_of(
        series.candles.time[series.first :],
        step_of(optimization),
        walk=Walk(optimization.walk),
        choose=optimization.choose_candles or 0,
        trade=optimization.trade_candles or 0,
    )


def step_of(optimization: Optimization) -> int:
    """Return a candle's seconds."""
    return int(Timeframe(optimization.timeframe).duration.total_seconds())


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
