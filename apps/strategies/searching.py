"""The seam between stored optimizations and the search: rows become spaces, objectives and folds."""

from __future__ import annotations

from algotrendy.trading.backtest.optimizing.folds import Fold, Walk, folds_of
from algotrendy.trading.backtest.optimizing.objective import Comparator, Constraint, Objective
from algotrendy.trading.backtest.optimizing.space import InvalidSpace, Space, space_of
from algotrendy.trading.strategies import registry
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import candle_times
from apps.strategies.models import Optimization


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


def folds_for(optimization: Optimization, instrument: Instrument) -> list[Fold]:
    """Return the folds of a walk over an instrument's candles; raises InvalidSpace."""
    times = candle_times(
        instrument=instrument,
        timeframe=optimization.timeframe,
        source=optimization.source,
        start=optimization.start,
        end=optimization.end,
    )
    return folds_of(
        times,
        step_of(optimization),
        walk=Walk(optimization.walk),
        choose=optimization.choose_candles or 0,
        trade=optimization.trade_candles or 0,
    )


def step_of(optimization: Optimization) -> int:
    """Return a candle's seconds."""
    return int(Timeframe(optimization.timeframe).duration.total_seconds())
