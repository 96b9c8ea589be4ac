"""Going back to what a strategy was."""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import Action as Recorded
from apps.accounts.services import audit
from apps.strategies.models import Strategy, StrategyVersion

from .configuring import strategy_configure
from .versioning import strategy_lock


@transaction.atomic
def strategy_restore(*, version: StrategyVersion) -> Strategy:
    """Make the strategy what it was, as a new version; where it is that already, nothing changes.

    Raises InvalidParameter where the rule does not take those parameters any more.
    """
    before = strategy_lock(version.strategy).version
    strategy = strategy_configure(strategy=version.strategy, **version.settings)
    if strategy.version > before:
        audit(Recorded.STRATEGY_RESTORED, target=strategy, restored=version.number, version=strategy.version)
    return strategy
