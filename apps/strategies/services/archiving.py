"""Taking strategies away: deleted where they never traded, put into the archive where they did."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from algotrendy.trading.errors import TradingError
from algotrendy.trading.orders import WORKING
from apps.accounts.models import Action as Recorded
from apps.accounts.services import audit
from apps.portfolio.selectors import position_held
from apps.strategies.models import Strategy
from apps.strategies.selectors import has_traded

from .versioning import strategy_lock


class StrategyBusy(TradingError):
    """The strategy is at work, or something of it still is."""

    code = "strategy_busy"


@transaction.atomic
def strategy_delete(*, strategy: Strategy) -> Strategy | None:
    """Delete a strategy that never traded and return None; archive and return one that did.

    Orders, fills and positions of a strategy stay for good, and so does the name they go by. Raises StrategyBusy where
    it is enabled, holds a position or has orders that can still trade.
    """
    row = strategy_lock(strategy)
    if row.is_archived:
        return row
    _require_idle(row)
    if has_traded(row):
        row.archived_at = timezone.now()
        row.save(update_fields=["archived_at", "updated_at"])
        audit(Recorded.STRATEGY_ARCHIVED, target=row)
        return row
    audit(Recorded.STRATEGY_DELETED, target=row, rule=row.rule, parameters=row.parameters, version=row.version)
    row.delete()
    return None


@transaction.atomic
def strategy_unarchive(*, strategy: Strategy) -> Strategy:
    """Take the strategy out of the archive; it stays disabled."""
    row = strategy_lock(strategy)
    if row.is_archived:
        row.archived_at = None
        row.save(update_fields=["archived_at", "updated_at"])
        audit(Recorded.STRATEGY_UNARCHIVED, target=row)
    return row


def _require_idle(strategy: Strategy) -> None:
    if strategy.enabled:
        raise StrategyBusy(f"{strategy.name} is enabled; disable it first.", code="strategy_enabled")
    if position_held(strategy.portfolio, strategy.instrument_id, strategy.slug) is not None:
        raise StrategyBusy(f"{strategy.name} holds a position; close it first.", code="strategy_holds_position")
    if strategy.orders.filter(status__in=WORKING).exists():
        raise StrategyBusy(f"{strategy.name} has orders at work; cancel them first.", code="orders_working")
