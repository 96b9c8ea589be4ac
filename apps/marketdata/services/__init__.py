"""Write instruments, candles and feeds."""

from .arriving import candle_arrived, candles_arrived
from .candles import StoreReport, candles_store
from .feeds import feed_ensure, feed_failed, feed_update
from .instruments import InvalidInstrument, instrument_create

__all__ = [
    "InvalidInstrument",
    "StoreReport",
    "candle_arrived",
    "candles_arrived",
    "candles_store",
    "feed_ensure",
    "feed_failed",
    "feed_update",
    "instrument_create",
]
