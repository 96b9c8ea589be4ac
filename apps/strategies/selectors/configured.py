"""Which strategies and signals a user may see, and which a candle runs."""

from __future__ import annotations

from django.db.models import QuerySet

from algotrendy.trading.errors import TradingError
from algotrendy.trading.strategies import windows
from apps.accounts.models import User
from apps.marketdata.models import Instrument
from apps.portfolio.selectors import Scope
from apps.strategies.models import Signal, Strategy


def strategies_of(user: User) -> QuerySet[Strategy]:
    """Return the strategies that the user may see: their own, an administrator all."""
    strategies = Strategy.objects.select_related("instrument", "portfolio__owner")
    return strategies if user.is_admin else strategies.filter(portfolio__owner=user)


def signals_of(user: User) -> QuerySet[Signal]:
    """Return the signals that the user may see."""
    signals = Signal.objects.select_related("strategy__instrument", "strategy__portfolio")
    return signals if user.is_admin else signals.filter(strategy__portfolio__owner=user)


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
