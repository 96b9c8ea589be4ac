"""What strategies and signals take and show."""

from .performance import PerformanceSerializer
from .signals import SignalSerializer
from .strategies import (
    RuleSerializer,
    StrategyChangeSerializer,
    StrategyCreateSerializer,
    StrategyDuplicateSerializer,
    StrategySerializer,
    StrategyVersionSerializer,
)

__all__ = [
    "PerformanceSerializer",
    "RuleSerializer",
    "SignalSerializer",
    "StrategyChangeSerializer",
    "StrategyCreateSerializer",
    "StrategyDuplicateSerializer",
    "StrategySerializer",
    "StrategyVersionSerializer",
]
