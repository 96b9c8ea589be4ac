"""The console's pages of strategies."""

from . import backtests, history, optimizations, signals, strategies, webhooks  # noqa: F401 - registers the pages
