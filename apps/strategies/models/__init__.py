"""Configured strategies, what they were before, what they said and how they do; backtests and optimizations."""

from .backtests import Backtest, BacktestResult, TradeSetup
from .configured import SizingMode, Strategy
from .jobs import ACTIVE, Job, JobStatus
from .optimizations import Optimization, Piece, Trial
from .performance import StrategyPerformance
from .signals import Signal, SignalOutcome, SignalSource
from .versions import VERSIONED, StrategyVersion
from .webhooks import StrategyWebhook, WebhookDelivery

__all__ = [
    "ACTIVE",
    "VERSIONED",
    "Backtest",
    "BacktestResult",
    "Job",
    "JobStatus",
    "Optimization",
    "Piece",
    "Signal",
    "SignalOutcome",
    "SignalSource",
    "SizingMode",
    "Strategy",
    "StrategyPerformance",
    "StrategyVersion",
    "StrategyWebhook",
    "TradeSetup",
    "Trial",
    "WebhookDelivery",
]
