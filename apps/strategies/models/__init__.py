"""Configured strategies and what they said, and backtests."""

from .backtests import Backtest, BacktestResult, TradeSetup
from .configured import SizingMode, Strategy
from .jobs import ACTIVE, Job, JobStatus
from .optimizations import Optimization, Piece, Trial
from .signals import Signal, SignalOutcome

__all__ = [
    "ACTIVE",
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
    "TradeSetup",
    "Trial",
]
