"""The work of the queue `backtests`: one service call each, safe to run any number of times.

The rows know what is to be done and the sweep hands it out again, so that a job's message is acknowledged when it is
read: one that runs longer than the broker waits is not given to a second worker. What loads the backtest's compiler is
imported where it is used: the other queues' workers need not have it.
"""

from __future__ import annotations

import uuid

import structlog
from celery import shared_task
from django.conf import settings

from algotrendy.trading.errors import TradingError
from apps.common.jobs import enqueue
from apps.strategies.models import Backtest
from apps.strategies.selectors import strategies_to_compare
from apps.strategies.services import jobs_sweep, optimizations_sweep
from apps.strategies.services.watching import strategies_watch

log = structlog.get_logger(__name__)
COMPARISON_EXPIRES = 3500
LIMITS = {
    "acks_late": False,
    "soft_time_limit": settings.BACKTEST_TIME_LIMIT,
    "time_limit": settings.BACKTEST_TIME_LIMIT + 30,
}


@shared_task(name="strategies.run_backtest", **LIMITS)
def run_backtest(backtest_id: str) -> str:
    """Run a backtest that waits."""
    from apps.strategies.services.running import backtest_run

    return backtest_run(backtest_id=uuid.UUID(backtest_id))


@shared_task(name="strategies.work_on_optimization", **LIMITS)
def work_on_optimization(optimization_id: str) -> str:
    """Do pieces of an optimization for a while."""
    from apps.strategies.services.optimizing import optimization_work

    return optimization_work(optimization_id=uuid.UUID(optimization_id))


@shared_task(name="strategies.watch")
def watch() -> None:
    """Raise and end the alerts of strategies."""
    strategies_watch()


@shared_task(name="strategies.sweep_jobs")
def sweep_jobs() -> int:
    """Hand out again what nobody took up, and what lost its worker."""
    return jobs_sweep(Backtest, "strategies.run_backtest") + optimizations_sweep()


@shared_task(name="strategies.compare_all")
def compare_all() -> int:
    """Have every strategy that trades compared with its backtest, each by a task of its own."""
    ids = list(strategies_to_compare().values_list("pk", flat=True))
    for strategy_id in ids:
        enqueue("strategies.compare", str(strategy_id), expires=COMPARISON_EXPIRES)
    return len(ids)


@shared_task(name="strategies.compare")
def compare(strategy_id: str) -> str | None:
    """Compare a strategy with its backtest; return the drift in percent, None where there is nothing to compare."""
    from apps.strategies.services.comparing import strategy_compare  # loads the compiler, which other queues need not

    strategy = strategies_to_compare().filter(pk=uuid.UUID(strategy_id)).first()
    if strategy is None:
        return None
    try:
        return f"{strategy_compare(strategy=strategy).drift_percent:f}"
    except TradingError as error:
        log.info("strategy_not_compared", strategy=strategy_id, code=error.code, reason=error.message)
        return None
