"""Configuring strategies: making, changing and copying them."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.strategies import registry
from apps.accounts.models import Action as Recorded
from apps.accounts.services import audit
from apps.marketdata.models import Instrument
from apps.portfolio.models import Portfolio
from apps.strategies.models import VERSIONED, SizingMode, Strategy
from apps.strategies.selectors import Change, changes_between, settings_of

from .versioning import in_words, strategy_lock, version_keep
from .vetting import StrategyNotReady, require_honest

CHANGEABLE = frozenset(VERSIONED)


@transaction.atomic
def strategy_create(
    *,
    portfolio: Portfolio,
    name: str,
    rule: str,
    instrument: Instrument,
    timeframe: str,
    parameters: dict[str, object] | None = None,
    **options: Any,
) -> Strategy:
    """Configure a rule for an instrument of a portfolio; it starts disabled unless `enabled` is among the options."""
    strategy = Strategy(
        portfolio=portfolio,
        name=name,
        slug=_free_slug(portfolio, name),
        rule=rule,
        instrument=instrument,
        timeframe=timeframe,
        parameters=complete_parameters(rule, parameters or {}),
        **options,
    )
    _require_common_currency(strategy)
    strategy.full_clean()
    _require_stop(strategy)
    if strategy.enabled:
        require_honest(strategy)
    strategy.save()
    version_keep(strategy)
    audit(Recorded.STRATEGY_CREATED, target=strategy)
    return strategy


@transaction.atomic
def strategy_configure(*, strategy: Strategy, **changes: Any) -> Strategy:
    """Change a strategy; parameters that are not named keep their values, a new rule starts from its defaults.

    A change makes a new version. Raises StrategyNotReady where an enabled strategy would look ahead.
    """
    unknown = sorted(set(changes) - CHANGEABLE)
    if unknown:
        raise InvalidParameter(f"{', '.join(unknown)} of a strategy cannot be changed; make another strategy.")
    strategy = strategy_lock(strategy)
    before = settings_of(strategy)
    kept = strategy.parameters if changes.get("rule", strategy.rule) == strategy.rule else {}
    parameters = {**kept, **changes.pop("parameters", {})}
    for name, value in changes.items():
        setattr(strategy, name, value)
    strategy.parameters = complete_parameters(strategy.rule, parameters)
    strategy.full_clean()
    _require_stop(strategy)
    changed = changes_between(before, settings_of(strategy))
    return _change(strategy, changed) if changed else strategy


def _change(strategy: Strategy, changed: list[Change]) -> Strategy:
    if strategy.enabled:
        require_honest(strategy)
    if [change.name for change in changed] != ["name"]:
        strategy.running_since = None
    strategy.version += 1
    strategy.save()
    version_keep(strategy)
    audit(Recorded.STRATEGY_CHANGED, target=strategy, version=strategy.version, changes=in_words(changed))
    return strategy


@transaction.atomic
def strategy_copy(*, strategy: Strategy, portfolio: Portfolio) -> Strategy:
    """Put an equal strategy, with the same book's name, to work in another portfolio; its history begins there."""
    copy = Strategy.objects.get(pk=strategy.pk)
    copy.pk, copy._state.adding = uuid.uuid4(), True
    copy.portfolio, copy.last_run_at, copy.last_error = portfolio, None, ""
    copy.version, copy.running_since = 1, None
    copy.save(force_insert=True)
    version_keep(copy)
    return copy


def complete_parameters(rule: str, parameters: dict[str, object]) -> dict[str, object]:
    """Return all parameters of the rule, checked, with defaults for those not given."""
    built = registry.build(rule, parameters)
    return {spec.name: getattr(built, spec.name) for spec in built.parameters()}


def _free_slug(portfolio: Portfolio, name: str) -> str:
    """Return a slug that no strategy of the portfolio has, and that is not the manual book's."""
    stem = slugify(name)[:56] or "strategy"
    taken = set(portfolio.strategies.values_list("slug", flat=True)) | {"manual"}
    candidates = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    return next(slug for slug in candidates if slug not in taken)


def _require_common_currency(strategy: Strategy) -> None:
    quote, base = strategy.instrument.quote_currency, strategy.portfolio.base_currency
    if quote != base:
        raise StrategyNotReady(
            f"{strategy.instrument} is quoted in {quote}, the portfolio is in {base}; choose one that agrees.",
            code="currency_mismatch",
        )


def _require_stop(strategy: Strategy) -> None:
    if strategy.sizing_mode == SizingMode.RISK_PERCENT and not strategy.protect:
        raise InvalidParameter(
            "A size by the risk wants a stop loss: switch the protection of its entries on, or choose another size."
        )
