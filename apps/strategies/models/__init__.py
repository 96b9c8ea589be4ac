"""Configured strategies, what they were before, what they said, and how they do."""

from .configured import SizingMode, Strategy
from .performance import StrategyPerformance
from .signals import Signal, SignalOutcome
from .versions import VERSIONED, StrategyVersion

__all__ = [
    "VERSIONED",
    "Signal",
    "SignalOutcome",
    "SizingMode",
    "Strategy",
    "StrategyPerformance",
    "StrategyVersion",
]
