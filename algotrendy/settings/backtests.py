"""What a backtest may take: of a worker's time and memory, of candles, and of the queue."""

from .env import env

BACKTEST_TIME_LIMIT = env.int("BACKTEST_TIME_LIMIT", default=600)
"""Seconds for one backtest, or for one piece of an optimization."""
BACKTEST_MEMORY_MB = env.int("BACKTEST_MEMORY_MB", default=1024)
"""Memory that a job may take beyond what its worker holds already (Linux only)."""
BACKTEST_MAX_CANDLES = env.int("BACKTEST_MAX_CANDLES", default=3_000_000)
BACKTEST_MAX_ACTIVE = env.int("BACKTEST_MAX_ACTIVE", default=20)
"""Jobs that one person may have waiting or running."""
BACKTEST_PARALLEL = env.int("BACKTEST_PARALLEL", default=4)
"""Tasks that share one optimization's pieces, where there are workers for them."""
