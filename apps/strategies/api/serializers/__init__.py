"""What strategies, signals and backtests take and show."""

from .backtests import (
    BacktestCreateSerializer,
    BacktestDetailSerializer,
    BacktestSerializer,
    BacktestTradesSerializer,
    CompareQuerySerializer,
    ComparisonSerializer,
    CurveQuerySerializer,
    CurveSerializer,
    PageQuerySerializer,
)
from .signals import SignalSerializer
from .strategies import (
    RuleProblemSerializer,
    RuleSerializer,
    StrategyChangeSerializer,
    StrategyCreateSerializer,
    StrategySerializer,
)

__all__ = [
    "BacktestCreateSerializer",
    "BacktestDetailSerializer",
    "BacktestSerializer",
    "BacktestTradesSerializer",
    "CompareQuerySerializer",
    "ComparisonSerializer",
    "CurveQuerySerializer",
    "CurveSerializer",
    "PageQuerySerializer",
    "RuleProblemSerializer",
    "RuleSerializer",
    "SignalSerializer",
    "StrategyChangeSerializer",
    "StrategyCreateSerializer",
    "StrategySerializer",
]
