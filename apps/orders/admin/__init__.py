"""The console's pages of trading: orders, what happened to them, and the closing of positions."""

from . import facts, orders, positions  # noqa: F401 - registers the pages
