"""Keeping what strategies were."""

from __future__ import annotations

from decimal import Decimal

from apps.accounts.models import User
from apps.common.origin import current_origin
from apps.strategies.models import Strategy, StrategyVersion
from apps.strategies.selectors import Change, settings_of


def strategy_lock(strategy: Strategy) -> Strategy:
    """Return the strategy as it is in the database, locked until the transaction ends."""
    rows = Strategy.objects.select_for_update(of=("self",)).select_related("instrument", "portfolio__owner")
    return rows.get(pk=strategy.pk)


def version_keep(strategy: Strategy) -> StrategyVersion:
    """Write down what the strategy is under its present version number, and whose request made it so."""
    user_id = current_origin().user_id
    who = None if user_id is None else User.objects.filter(pk=user_id).first()
    return StrategyVersion.objects.create(
        strategy=strategy,
        number=strategy.version,
        changed_by=who,
        **settings_of(strategy),
    )


def in_words(changes: list[Change]) -> dict[str, list[object]]:
    """Return changes as JSON has them: the old and the new value by name."""
    return {change.name: [_plain(change.old), _plain(change.new)] for change in changes}


def _plain(value: object) -> object:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value
