"""Letting strategies trade by themselves, and stopping them."""

from __future__ import annotations

import structlog
from django.db import transaction

from algotrendy.trading.errors import TradingError
from algotrendy.trading.strategies import registry
from apps.accounts.models import Action as Recorded
from apps.accounts.services import audit
from apps.strategies.models import Strategy

from .versioning import strategy_lock
from .vetting import StrategyNotReady, require_honest

log = structlog.get_logger(__name__)


@transaction.atomic
def strategy_enable(*, strategy: Strategy) -> Strategy:
    """Let the strategy trade from the next candle on; raise StrategyNotReady where it could not, or looks ahead."""
    row = strategy_lock(strategy)
    if row.is_archived:
        raise StrategyNotReady(f"{row.name} is archived; take it out of the archive first.", code="archived")
    try:
        registry.build(row.rule, row.parameters)
    except TradingError as error:
        raise StrategyNotReady(f"{row.name} cannot run: {error.message}") from error
    if not row.instrument.is_active:
        raise StrategyNotReady(f"{row.instrument} is not active; activate the instrument first.")
    require_honest(row)
    if not row.enabled:
        row.running_since = None
    return _switch(strategy, row, enabled=True)


@transaction.atomic
def strategy_disable(*, strategy: Strategy) -> Strategy:
    """Stop the strategy from giving signals; its open position keeps its protective orders."""
    return _switch(strategy, strategy_lock(strategy), enabled=False)


def _switch(strategy: Strategy, row: Strategy, *, enabled: bool) -> Strategy:
    row.enabled = strategy.enabled = enabled
    row.save(update_fields=["enabled", "running_since", "updated_at"])
    audit(Recorded.STRATEGY_ENABLED if enabled else Recorded.STRATEGY_DISABLED, target=row)
    log.info("strategy_switched", strategy=str(row.pk), name=row.name, enabled=enabled)
    return row
