"""The work of the queue `backtests`: one service call each, safe to run any number of times.

The rows know what is to be done and the sweep hands it out again, so that a message is acknowledged when it is read: a
job that runs longer than the broker waits is not given to a second worker.
"""

from __future__ import annotations

import uuid

from celery import shared_task
from django.conf import settings

from apps.strategies.models import Backtest
from apps.strategies.services import backtest_run, jobs_sweep, optimization_work, optimizations_sweep

LIMITS = {
    "acks_late": False,
    "soft_time_limit": settings.BACKTEST_TIME_LIMIT,
    "time_limit": settings.BACKTEST_TIME_LIMIT + 30,
}


@shared_task(name="strategies.run_backtest", **LIMITS)
def run_backtest(backtest_id: str) -> str:
    """Run a backtest that waits."""
    return backtest_run(backtest_id=uuid.UUID(backtest_id))


@shared_task(name="strategies.work_on_optimization", **LIMITS)
def work_on_optimization(optimization_id: str) -> str:
    """Do pieces of an optimization for a while."""
    return optimization_work(optimization_id=uuid.UUID(optimization_id))


@shared_task(name="strategies.sweep_jobs")
def sweep_jobs() -> int:
    """Hand out again what nobody took up, and what lost its worker."""
    return jobs_sweep(Backtest, "strategies.run_backtest") + optimizations_sweep()
