"""The work of the queue `backtests`: one service call each, safe to run any number of times.

The rows know what is to be done and the sweep hands it out again, so that a message is acknowledged when it is read: a
job that runs longer than the broker waits is not given to a second worker.
"""

from __future__ import annotations

import uuid

from celery import shared_task
from django.conf import settings

from apps.strategies.models import Backtest
from apps.strategies.services import backtest_run, jobs_sweep

LIMITS = {
    "acks_late": False,
    "soft_time_limit": settings.BACKTEST_TIME_LIMIT,
    "time_limit": settings.BACKTEST_TIME_LIMIT + 30,
}


@shared_task(name="strategies.run_backtest", **LIMITS)
def run_backtest(backtest_id: str) -> str:
    """Run a backtest that waits."""
    return backtest_run(backtest_id=uuid.UUID(backtest_id))


@shared_task(name="strategies.sweep_jobs")
def sweep_jobs() -> int:
    """Hand out again the backtests that nobody took up, and those that lost their worker."""
    return jobs_sweep(Backtest, "strategies.run_backtest")
