"""Which backtests a user may see, and what they can be made of."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import series_list
from apps.strategies.models import Backtest, Optimization, Strategy


def backtests_of(user: User) -> QuerySet[Backtest]:
    """Return the backtests that the user may see: their own, an administrator all."""
    backtests = Backtest.objects.select_related("owner", "strategy").prefetch_related("instruments")
    return backtests if user.is_admin else backtests.filter(owner=user)


def optimizations_of(user: User) -> QuerySet[Optimization]:
    """Return the optimizations that the user may see: their own, an administrator all."""
    rows = Optimization.objects.select_related("owner", "best_backtest").prefetch_related("instruments")
    return rows if user.is_admin else rows.filter(owner=user)


def series_source(instrument: Instrument, timeframe: str) -> str | None:
    """Return whose candles to trade where none is asked for: those that reach furthest back."""
    stored = [series for series in series_list(instrument) if series.timeframe == timeframe]
    return min(stored, key=lambda series: (series.first, series.source)).source if stored else None


def setup_of(strategy: Strategy) -> dict[str, Any]:
    """Return what a backtest of a configured strategy is asked with: as it trades, in an account like its own."""
    portfolio, profile = strategy.portfolio, strategy.portfolio.risk_profile
    return {
        "rule": strategy.rule,
        "parameters": strategy.parameters,
        "instruments": [strategy.instrument],
        "timeframe": strategy.timeframe,
        "direction": strategy.direction,
        "sizing_rule": strategy.sizing_mode,
        "sizing_value": strategy.sizing_value,
        "min_confidence": strategy.min_confidence,
        "protect": strategy.protect,
        "stop_percent": profile.default_stop_loss_percent if strategy.protect else Decimal(0),
        "target_percent": profile.default_take_profit_percent if strategy.protect else Decimal(0),
        "initial_cash": portfolio.initial_cash,
        "commission_rate": portfolio.connection.commission_rate,
        "slippage_rate": portfolio.connection.slippage_rate,
        "risk_limits": profile.enabled,
    }
