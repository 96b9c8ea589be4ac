"""What writes: configuring strategies, and asking them."""

from .configuring import (
    CHANGEABLE,
    StrategyNotReady,
    strategy_configure,
    strategy_copy,
    strategy_create,
    strategy_disable,
    strategy_enable,
)
from .evaluating import signal_settle, strategies_ran, strategy_evaluate

__all__ = [
    "CHANGEABLE",
    "StrategyNotReady",
    "signal_settle",
    "strategies_ran",
    "strategy_configure",
    "strategy_copy",
    "strategy_create",
    "strategy_disable",
    "strategy_enable",
    "strategy_evaluate",
]
