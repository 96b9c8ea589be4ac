"""The work of the queue `backtests`: what takes seconds and is in nobody's way."""

from __future__ import annotations

import uuid

import structlog
from celery import shared_task

from algotrendy.trading.errors import TradingError
from apps.common.jobs import enqueue
from apps.strategies.selectors import strategies_to_compare

log = structlog.get_logger(__name__)
COMPARISON_EXPIRES = 3500


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
