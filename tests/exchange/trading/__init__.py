"""The trading side of the loopback exchange: Binance's signed REST interface over accounts and a book of its own."""

from .faults import Fault
from .venue import TradingVenue

__all__ = ["Fault", "TradingVenue"]
