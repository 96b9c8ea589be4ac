"""What may be seen of strategies and backtests, and which strategies a candle runs."""

from .backtests import backtests_of, optimizations_of, series_source, setup_of
from .configured import (
    Change,
    awaiting_signals_of,
    changes_between,
    has_traded,
    newest_performance,
    performance_of,
    positions_in_book,
    settings_of,
    signals_of,
    strategies_of,
    strategies_to_compare,
    strategies_to_run,
    versions_of,
    window_length,
)
from .webhooks import webhook_address, webhooks_of

__all__ = [
    "Change",
    "awaiting_signals_of",
    "backtests_of",
    "changes_between",
    "has_traded",
    "newest_performance",
    "optimizations_of",
    "performance_of",
    "positions_in_book",
    "series_source",
    "settings_of",
    "setup_of",
    "signals_of",
    "strategies_of",
    "strategies_to_compare",
    "strategies_to_run",
    "versions_of",
    "webhook_address",
    "webhooks_of",
    "window_length",
]
