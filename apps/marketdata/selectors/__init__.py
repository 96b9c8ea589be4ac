"""Read instruments, candles and feeds."""

from .candles import (
    PRICES,
    CandleRow,
    CandlesPage,
    bars,
    bars_after,
    candle_count,
    candle_times,
    candles_between,
    candles_page,
    candles_window,
    feed_bars_after,
)
from .downloads import downloads
from .feeds import FeedState, feed_age, feed_is_stale, feed_state, feeds
from .gaps import gaps, open_gaps
from .indicators import IndicatorPage, indicator_page
from .instruments import UnknownSymbol, instrument_get, instruments
from .latest import NoCandle, latest_candle
from .series import Series, series_list, source_of
from .ticker import Ticker, ticker

__all__ = [
    "PRICES",
    "CandleRow",
    "CandlesPage",
    "FeedState",
    "IndicatorPage",
    "NoCandle",
    "Series",
    "Ticker",
    "UnknownSymbol",
    "bars",
    "bars_after",
    "candle_count",
    "candle_times",
    "candles_between",
    "candles_page",
    "candles_window",
    "downloads",
    "feed_age",
    "feed_bars_after",
    "feed_is_stale",
    "feed_state",
    "feeds",
    "gaps",
    "indicator_page",
    "instrument_get",
    "instruments",
    "latest_candle",
    "open_gaps",
    "series_list",
    "source_of",
    "ticker",
]
