"""Write instruments, candles and feeds."""

from .candles import StoreReport, candle_arrived, candles_store
from .feeds import feed_ensure, feed_failed, feed_update
from .instruments import InvalidInstrument, instrument_create

__all__ = [
    "InvalidInstrument",
    "StoreReport",
    "candle_arrived",
    "candles_store",
    "feed_ensure",
    "feed_failed",
    "feed_update",
    "instrument_create",
]
