"""What can be traded, its candles, and the feeds that bring them."""

from .candles import Candle
from .feeds import Feed, Source
from .instruments import AssetType, Instrument, validate_symbol

__all__ = ["AssetType", "Candle", "Feed", "Instrument", "Source", "validate_symbol"]
