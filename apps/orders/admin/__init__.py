"""The console's pages of trading: orders, positions, halts, signals that wait, comparisons with venues."""

from . import facts, halts, orders, positions, reconciliations, signals  # noqa: F401 - registers the pages
