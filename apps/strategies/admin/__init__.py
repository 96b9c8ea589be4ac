"""The console's pages of strategies."""

from . import signals, strategies  # noqa: F401 - registers the pages
