"""What writes: configuring strategies, asking them, and backtesting them."""

from .backtests import backtest_cancel, backtest_create, backtest_delete, backtest_run
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
from .jobs import JobIsActive, JobNotCancelable, TooManyJobs, jobs_sweep
from .optimizations import optimization_cancel, optimization_create, optimization_delete
from .optimizing import optimization_work, optimizations_sweep

__all__ = [
    "CHANGEABLE",
    "JobIsActive",
    "JobNotCancelable",
    "StrategyNotReady",
    "TooManyJobs",
    "backtest_cancel",
    "backtest_create",
    "backtest_delete",
    "backtest_run",
    "jobs_sweep",
    "optimization_cancel",
    "optimization_create",
    "optimization_delete",
    "optimization_work",
    "optimizations_sweep",
    "signal_settle",
    "strategies_ran",
    "strategy_configure",
    "strategy_copy",
    "strategy_create",
    "strategy_disable",
    "strategy_enable",
    "strategy_evaluate",
]
