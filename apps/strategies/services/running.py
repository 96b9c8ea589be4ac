"""Running backtests; this loads the engine's compiler."""

from __future__ import annotations

import uuid

from apps.marketdata.selectors import candle_count
from apps.strategies.backtests import setup_backtest
from apps.strategies.models import Backtest, BacktestResult
from apps.strategies.pulse import Pulse
from apps.strategies.reports.keeping import kept

from .jobs import Store, job_run

STAGES = {"read": 2, "signals": 10, "trades": 60, "honesty": 70}
"""Percent at which a stage begins; a rule that is asked candle by candle fills the room up to the next one."""


def backtest_run(*, backtest_id: uuid.UUID) -> str:
    """Run a backtest that waits, here and now; return what it ended as."""
    return job_run(Backtest, backtest_id, _work)


def _work(backtest: Backtest, pulse: Pulse) -> Store:
    result = kept(setup_backtest(backtest, list(backtest.instruments.all()), _Progress(backtest, pulse).tell))

    def store(row: Backtest) -> None:
        BacktestResult.objects.filter(backtest=row).delete()
        for name, value in result.summary.items():
            setattr(row, name, value)
        BacktestResult.objects.create(
            backtest=row, figures=result.figures, curve=result.curve, trades=result.trades, report=result.report
        )

    return store


class _Progress:
    """Turns the stages of a backtest into percent."""

    def __init__(self, backtest: Backtest, pulse: Pulse) -> None:
        self.pulse, self.percent, self.done = pulse, 0.0, 0
        self.total = sum(
            candle_count(
                instrument=item,
                timeframe=backtest.timeframe,
                source=backtest.source,
                start=backtest.start,
                end=backtest.end,
            )
            for item in backtest.instruments.all()
        )

    def tell(self, stage: str, done: int) -> None:
        self.done += done
        if stage:
            self.percent = STAGES[stage.rsplit(" ", 1)[-1]]
        room = STAGES["trades"] - STAGES["signals"]
        within = room * self.done / self.total if self.total and self.percent < STAGES["trades"] else 0
        self.pulse.tell(self.percent + within, stage or None)
