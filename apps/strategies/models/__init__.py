"""Configured strategies, what they were before, what they said and how they do; backtests and optimizations."""

from .backtests import Backtest, BacktestResult, TradeSetup
from .configured import SizingMode, Strategy
from .jobs import ACTIVE, Job, JobStatus
from .optimizations import Optimization, Piece, Trial
from .performance import StrategyPerformance
from .signals import Signal, SignalOutcome
from .versions import VERSIONED, StrategyVersion

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
    "SizingMode",
    "Strategy",
    "StrategyPerformance",
    "StrategyVersion",
    "TradeSetup",
    "Trial",
]
