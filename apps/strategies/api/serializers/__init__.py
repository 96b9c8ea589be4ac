"""What strategies and signals take and show."""

from .signals import SignalSerializer
from .strategies import RuleSerializer, StrategyChangeSerializer, StrategyCreateSerializer, StrategySerializer

__all__ = [
    "RuleSerializer",
    "SignalSerializer",
    "StrategyChangeSerializer",
    "StrategyCreateSerializer",
    "StrategySerializer",
]
