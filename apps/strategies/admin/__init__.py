"""The console's pages of strategies."""

from . import history, signals, strategies  # noqa: F401 - registers the pages
