"""Market data in the console."""

from . import history, series

__all__ = ["history", "series"]
