"""The candle that closed last."""

from __future__ import annotations

from algotrendy.trading.errors import TradingError
from apps.marketdata import cache
from apps.marketdata.models import Candle, Feed, Instrument

from .series import series_list, series_rows


class NoCandle(TradingError):
    """No candle of the instrument has arrived yet."""

    code = "no_candle"


def latest_candle(instrument: Instrument) -> Candle | None:
    """Return the candle that closed last: of the enabled feeds' series, and only where there is no feed of any source.

    A feed that has not sent anything yet gives None, although its origin's candles are stored: they are its future.
    """
    return cache.latest_candle(instrument, _latest_stored)


def _latest_stored(instrument: Instrument) -> Candle | None:
    feeds = Feed.objects.filter(instrument=instrument, enabled=True).values_list("timeframe", "source")
    series = list(feeds) or [(item.timeframe, item.source) for item in series_list(instrument)]
    newest = [
        candle
        for timeframe, source in series
        if (candle := series_rows(instrument, timeframe, source).order_by("-open_time").first())
    ]
    return max(newest, key=lambda candle: (candle.close_time, candle.open_time), default=None)
