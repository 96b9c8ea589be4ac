"""What can be traded, its candles, the feeds and downloads that bring them, and where some are missing."""

from .candles import Candle
from .downloads import UNDER_WAY, Download, DownloadStatus
from .feeds import Feed, Source
from .gaps import Gap, GapScan, GapStatus, Outage
from .instruments import ALWAYS_OPEN, AssetType, Instrument, validate_symbol
from .retention import Retention
from .sessions import MarketSession

__all__ = [
    "ALWAYS_OPEN",
    "UNDER_WAY",
    "AssetType",
    "Candle",
    "Download",
    "DownloadStatus",
    "Feed",
    "Gap",
    "GapScan",
    "GapStatus",
    "Instrument",
    "MarketSession",
    "Outage",
    "Retention",
    "Source",
    "validate_symbol",
]
