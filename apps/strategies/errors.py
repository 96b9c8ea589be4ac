"""Refusals of the strategies app that several of its parts know."""

from __future__ import annotations

from algotrendy.trading.errors import TradingError


class BacktestNotCompleted(TradingError):
    """There is no result yet, or never will be."""

    code = "backtest_not_completed"
