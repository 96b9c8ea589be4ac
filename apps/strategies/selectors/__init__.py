"""What may be seen of strategies and backtests, and which strategies a candle runs."""

from .backtests import backtests_of, series_source, setup_of
from .configured import signals_of, strategies_of, strategies_to_run, window_length

__all__ = [
    "backtests_of",
    "series_source",
    "setup_of",
    "signals_of",
    "strategies_of",
    "strategies_to_run",
    "window_length",
]
