"""Which strategies and signals a user may see, and which a candle runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from algotrendy.trading.errors import TradingError
from algotrendy.trading.strategies import windows
from apps.accounts.models import User
from apps.marketdata.models import Instrument
from apps.portfolio.models import Position
from apps.portfolio.selectors import Scope
from apps.strategies.models import VERSIONED, Signal, SignalOutcome, Strategy, StrategyPerformance, StrategyVersion


@dataclass(frozen=True, slots=True)
class Change:
    """What a setting was and became, as `direction` or `parameters.fast`; None where the rule has no such parameter."""

    name: str
    old: object
    new: object


def strategies_of(user: User) -> QuerySet[Strategy]:
    """Return the strategies that the user may see: their own, an administrator all."""
    strategies = Strategy.objects.select_related("instrument", "portfolio__owner")
    return strategies if user.is_admin else strategies.filter(portfolio__owner=user)


def versions_of(user: User) -> QuerySet[StrategyVersion]:
    """Return the versions of the strategies that the user may see."""
    versions = StrategyVersion.objects.select_related("strategy__portfolio", "changed_by")
    return versions if user.is_admin else versions.filter(strategy__portfolio__owner=user)


def performance_of(user: User) -> QuerySet[StrategyPerformance]:
    """Return the comparisons with backtests of the strategies that the user may see."""
    rows = StrategyPerformance.objects.select_related("strategy__portfolio")
    return rows if user.is_admin else rows.filter(strategy__portfolio__owner=user)


def newest_performance(strategy: Strategy) -> StrategyPerformance | None:
    """Return the strategy's latest comparison with its backtest; None where there is none yet."""
    return StrategyPerformance.objects.filter(strategy=strategy).order_by("-computed_at", "-id").first()


def strategies_to_compare() -> QuerySet[Strategy]:
    """Return the strategies that trade now and have seen a candle as they are, simulations apart."""
    rows = Strategy.objects.filter(enabled=True, portfolio__is_simulation=False, running_since__isnull=False)
    return rows.select_related("instrument", "portfolio__connection", "portfolio__risk_profile").order_by("pk")


def positions_in_book(strategy: Strategy) -> QuerySet[Position]:
    """Return everything that the strategy has held, by the time at which it was opened."""
    rows = Position.objects.filter(
        portfolio=strategy.portfolio_id, instrument=strategy.instrument_id, book=strategy.slug
    )
    return rows.select_related("instrument").order_by("opened_at", "created_at")


def has_traded(strategy: Strategy) -> bool:
    """Return whether an order was ever made for the strategy, or a position opened in its book.

    Orders are asked for through their relation to the strategy: their app is above this one.
    """
    return strategy.orders.exists() or positions_in_book(strategy).exists()


def settings_of(strategy: Strategy) -> dict[str, Any]:
    """Return what a version keeps of the strategy."""
    return {name: getattr(strategy, name) for name in VERSIONED}


def changes_between(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Return the settings in which two versions differ, each parameter by itself."""
    before, after = _flat(old), _flat(new)
    names = [*after, *(name for name in before if name not in after)]
    return [Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def _flat(settings: Mapping[str, Any]) -> dict[str, object]:
    flat = {name: value for name, value in settings.items() if name != "parameters"}
    return flat | {f"parameters.{name}": value for name, value in settings["parameters"].items()}


def signals_of(user: User) -> QuerySet[Signal]:
    """Return the signals that the user may see."""
    signals = Signal.objects.select_related("strategy__instrument", "strategy__portfolio", "decided_by")
    return signals if user.is_admin else signals.filter(strategy__portfolio__owner=user)


def awaiting_signals_of(user: User) -> QuerySet[Signal]:
    """Return the signals that wait for the user's approval."""
    return signals_of(user).filter(outcome=SignalOutcome.AWAITING)


def strategies_to_run(instrument: Instrument, timeframe: str, scope: Scope) -> list[Strategy]:
    """Return the scope's enabled strategies for a candle of this series, in a fixed order."""
    return list(
        Strategy.objects.filter(scope.where("portfolio"), instrument=instrument, timeframe=timeframe, enabled=True)
        .select_related("portfolio__connection", "instrument")
        .order_by("portfolio__created_at", "portfolio_id", "slug")
    )


def window_length(strategy: Strategy) -> int:
    """Return how many candles a run of the strategy sees; a rule that cannot be built will say so when it is run."""
    try:
        return windows.window_length(strategy.configured_rule)
    except TradingError:
        return windows.MIN_WINDOW
