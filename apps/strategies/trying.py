"""What an optimization's points are tried on, with its candles; this loads the engine's compiler."""

from __future__ import annotations

from datetime import datetime

from algotrendy.trading.backtest.optimizing.evaluating import Traded, Trial
from algotrendy.trading.strategies.windows import MIN_WINDOW
from apps.marketdata.selectors import candles_between
from apps.strategies.models import Optimization
from apps.strategies.searching import objective_of, space_for
from apps.strategies.setups import market_of, setup_account, setup_plan

HISTORY = 4 * MIN_WINDOW
"""Candles before the period, which the longest warm-up may need."""


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


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
