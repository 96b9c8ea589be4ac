"""The candle that closed last."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

from algotrendy.trading.errors import TradingError
from apps.marketdata import cache
from apps.marketdata.models import Candle, Feed, Instrument

from .series import series_list, series_rows

_EXACT = ("open", "high", "low", "close", "volume", "quote_volume")
_TIMES = ("open_time", "received_at")
_PLAIN = ("id", "timeframe", "source", "provider", "trade_count")


class NoCandle(TradingError):
    """No candle of the instrument has arrived yet."""

    code = "no_candle"


def latest_candle(instrument: Instrument) -> Candle | None:
    """Return the candle that closed last: of the enabled feeds' series, and only where there is no feed of any source.

    A feed that has not sent anything yet gives None, although its origin's candles are stored: they are its future.
    """
    return _load(
        instrument, cache.kept("latest_candle", instrument.symbol, "", lambda: _dump(_latest_stored(instrument)))
    )


def _latest_stored(instrument: Instrument) -> Candle | None:
    feeds = Feed.objects.filter(instrument=instrument, enabled=True).values_list("timeframe", "source")
    series = list(feeds) or [(item.timeframe, item.source) for item in series_list(instrument)]
    newest = [
        candle
        for timeframe, source in series
        if (candle := series_rows(instrument, timeframe, source).order_by("-open_time").first())
    ]
    return max(newest, key=lambda candle: (candle.close_time, candle.open_time), default=None)


def _dump(candle: Candle | None) -> bytes:
    if candle is None:
        return b"null"
    values = {name: getattr(candle, name) for name in _PLAIN}
    values |= {name: None if (value := getattr(candle, name)) is None else str(value) for name in _EXACT}
    values |= {name: getattr(candle, name).isoformat() for name in _TIMES}
    return json.dumps(values).encode()


def _load(instrument: Instrument, text: bytes) -> Candle | None:
    values = json.loads(text)
    if values is None:
        return None
    values |= {name: None if values[name] is None else Decimal(values[name]) for name in _EXACT}
    values |= {name: datetime.fromisoformat(values[name]) for name in _TIMES}
    candle = Candle(instrument=instrument, **values)
    candle._state.adding, candle._state.db = False, "default"
    return candle
