"""Money, its limits, what it is in, how it went, and what stops it."""

from .halts import HaltCause, HaltWidth, TradingHalt
from .limits import PlatformLimits, RiskProfile
from .portfolios import MANUAL_BOOK, EquitySnapshot, Portfolio
from .positions import Position

__all__ = [
    "MANUAL_BOOK",
    "EquitySnapshot",
    "HaltCause",
    "HaltWidth",
    "PlatformLimits",
    "Portfolio",
    "Position",
    "RiskProfile",
    "TradingHalt",
]
