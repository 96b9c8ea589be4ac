"""What strategies, signals and backtests take and show."""

from .backtests import (
    BacktestComparisonSerializer,
    BacktestCreateSerializer,
    BacktestDetailSerializer,
    BacktestSerializer,
    BacktestTradesSerializer,
    CompareQuerySerializer,
    CurveQuerySerializer,
    CurveSerializer,
    PageQuerySerializer,
)
from .performance import PerformanceSerializer
from .signals import SignalSerializer
from .strategies import (
    RuleProblemSerializer,
    RuleSerializer,
    StrategyChangeSerializer,
    StrategyCreateSerializer,
    StrategyDuplicateSerializer,
    StrategySerializer,
    StrategyVersionSerializer,
)

__all__ = [
    "BacktestComparisonSerializer",
    "BacktestCreateSerializer",
    "BacktestDetailSerializer",
    "BacktestSerializer",
    "BacktestTradesSerializer",
    "CompareQuerySerializer",
    "CurveQuerySerializer",
    "CurveSerializer",
    "PageQuerySerializer",
    "PerformanceSerializer",
    "RuleProblemSerializer",
    "RuleSerializer",
    "SignalSerializer",
    "StrategyChangeSerializer",
    "StrategyCreateSerializer",
    "StrategyDuplicateSerializer",
    "StrategySerializer",
    "StrategyVersionSerializer",
]
