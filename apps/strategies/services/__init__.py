"""What writes: configuring strategies, asking them, taking them away, and backtesting them.

What loads the backtest's compiler (`comparing`, `running`, `optimizing`) is imported only where it is needed.
"""

from .archiving import StrategyBusy, strategy_delete, strategy_unarchive
from .backtests import backtest_cancel, backtest_create, backtest_delete
from .configuring import CHANGEABLE, strategy_configure, strategy_copy, strategy_create
from .duplicating import strategy_duplicate
from .evaluating import strategies_hold, strategies_ran, strategy_evaluate
from .jobs import JobIsActive, JobNotCancelable, TooManyJobs, jobs_sweep
from .optimizations import optimization_cancel, optimization_create, optimization_delete, optimizations_sweep
from .restoring import strategy_restore
from .settling import signal_await, signal_decide, signal_settle
from .switching import strategy_disable, strategy_enable
from .vetting import StrategyNotReady

__all__ = [
    "CHANGEABLE",
    "JobIsActive",
    "JobNotCancelable",
    "StrategyBusy",
    "StrategyNotReady",
    "TooManyJobs",
    "backtest_cancel",
    "backtest_create",
    "backtest_delete",
    "jobs_sweep",
    "optimization_cancel",
    "optimization_create",
    "optimization_delete",
    "optimizations_sweep",
    "signal_await",
    "signal_decide",
    "signal_settle",
    "strategies_hold",
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
