"""Configured strategies, and what they said."""

from .configured import SizingMode, Strategy
from .signals import Signal, SignalOutcome

__all__ = ["Signal", "SignalOutcome", "SizingMode", "Strategy"]
