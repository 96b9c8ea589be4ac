"""What writes: configuring strategies, asking them, and taking them away. `comparing` loads the backtest's compiler
and is imported only where it is needed."""

from .archiving import StrategyBusy, strategy_delete, strategy_unarchive
from .configuring import CHANGEABLE, strategy_configure, strategy_copy, strategy_create
from .duplicating import strategy_duplicate
from .evaluating import signal_settle, strategies_ran, strategy_evaluate
from .restoring import strategy_restore
from .switching import strategy_disable, strategy_enable
from .vetting import StrategyNotReady

__all__ = [
    "CHANGEABLE",
    "StrategyBusy",
    "StrategyNotReady",
    "signal_settle",
    "strategies_ran",
    "strategy_configure",
    "strategy_copy",
    "strategy_create",
    "strategy_delete",
    "strategy_disable",
    "strategy_duplicate",
    "strategy_enable",
    "strategy_evaluate",
    "strategy_restore",
    "strategy_unarchive",
]
