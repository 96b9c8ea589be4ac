"""Configuring strategies, and asking them for a signal."""

from __future__ import annotations

import uuid
from typing import Any

import structlog
from django.db import transaction
from django.utils.text import slugify

from algotrendy.trading.errors import InvalidParameter, TradingError
from algotrendy.trading.strategies import registry
from apps.accounts.models import Action as Recorded
from apps.accounts.services import audit
from apps.marketdata.models import Instrument
from apps.portfolio.models import Portfolio
from apps.strategies.models import Strategy

log = structlog.get_logger(__name__)
CHANGEABLE = frozenset(
    {"name", "rule", "parameters", "direction", "sizing_mode", "sizing_value", "min_confidence", "protect"}
)


class StrategyNotReady(TradingError):
    """The strategy cannot be enabled as it is."""

    code = "strategy_not_ready"


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
    strategy.save()
    return strategy


@transaction.atomic
def strategy_configure(*, strategy: Strategy, **changes: Any) -> Strategy:
    """Change a strategy; parameters that are not named keep their values, a new rule starts from its defaults."""
    unknown = sorted(set(changes) - CHANGEABLE)
    if unknown:
        raise InvalidParameter(f"{', '.join(unknown)} of a strategy cannot be changed; make another strategy.")
    strategy = (
        Strategy.objects.select_for_update(of=("self",)).select_related("instrument", "portfolio").get(pk=strategy.pk)
    )
    kept = strategy.parameters if changes.get("rule", strategy.rule) == strategy.rule else {}
    parameters = {**kept, **changes.pop("parameters", {})}
    for name, value in changes.items():
        setattr(strategy, name, value)
    strategy.parameters = complete_parameters(strategy.rule, parameters)
    strategy.full_clean()
    strategy.save()
    return strategy


def strategy_copy(*, strategy: Strategy, portfolio: Portfolio) -> Strategy:
    """Put an equal strategy, with the same book's name, to work in another portfolio."""
    copy = Strategy.objects.get(pk=strategy.pk)
    copy.pk, copy._state.adding = uuid.uuid4(), True
    copy.portfolio, copy.last_run_at, copy.last_error = portfolio, None, ""
    copy.save(force_insert=True)
    return copy


def strategy_enable(*, strategy: Strategy) -> Strategy:
    """Let the strategy trade from the next candle on; raise StrategyNotReady where it could not."""
    try:
        registry.build(strategy.rule, strategy.parameters)
    except TradingError as error:
        raise StrategyNotReady(f"{strategy.name} cannot run: {error.message}") from error
    if not strategy.instrument.is_active:
        raise StrategyNotReady(f"{strategy.instrument} is not active; activate the instrument first.")
    return _switch(strategy, enabled=True)


def strategy_disable(*, strategy: Strategy) -> Strategy:
    """Stop the strategy from giving signals; its open position keeps its protective orders."""
    return _switch(strategy, enabled=False)


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


@transaction.atomic
def _switch(strategy: Strategy, *, enabled: bool) -> Strategy:
    strategy.enabled = enabled
    strategy.save(update_fields=["enabled", "updated_at"])
    audit(Recorded.STRATEGY_ENABLED if enabled else Recorded.STRATEGY_DISABLED, target=strategy)
    log.info("strategy_switched", strategy=str(strategy.pk), name=strategy.name, enabled=enabled)
    return strategy
