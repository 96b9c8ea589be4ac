"""The newest price of an instrument, and how it has moved within a day."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Max, Min, QuerySet, Sum

from apps.marketdata import cache, forming
from apps.marketdata.models import Candle, Instrument

from .instruments import instrument_get
from .latest import NoCandle, latest_candle
from .series import series_rows

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ticker:
    """The last price and the day that ended with it, of the series that the latest candle is of.

    `time` is when the price was so in market time. `is_final` is False where it is of a candle that is not finished.
    `open` is the first price of the day, `high`, `low` and `volume` are of its whole, the unfinished candle included.
    """

    symbol: str
    timeframe: str
    source: str
    price: Decimal
    time: datetime
    is_final: bool
    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal

    @property
    def change(self) -> Decimal:
        return self.price - self.open

    @property
    def change_percent(self) -> Decimal:
        """The change in percent of the day's first price, which is never 0."""
        return (self.change * 100 / self.open).quantize(Decimal("0.0001"))


def ticker(symbol: str) -> Ticker:
    """Return the ticker; raise UnknownSymbol, or NoCandle where none has arrived."""
    stored = _load(cache.kept("ticker", symbol, "", lambda: _dump(_stored(symbol))))
    return _moved_on(stored, forming.read(symbol))


def _stored(symbol: str) -> Ticker:
    instrument = instrument_get(symbol)
    last = latest_candle(instrument)
    if last is None:
        raise NoCandle(f"No candle of {symbol} has arrived yet.")
    day = _day_of(instrument, last)
    figures = day.aggregate(high=Max("high"), low=Min("low"), volume=Sum("volume"))
    first = day.order_by("open_time").values_list("open", flat=True)[0]
    return Ticker(
        symbol, last.timeframe, last.source, last.close, last.close_time, True, first, figures["high"], figures["low"],
        figures["volume"],
    )  # fmt: skip


def _day_of(instrument: Instrument, last: Candle) -> QuerySet[Candle]:
    """Return the candles that opened within the day before the last one closed, that one included however long."""
    since = min(last.close_time - DAY, last.open_time)
    rows = series_rows(instrument, last.timeframe, last.source)
    return rows.filter(open_time__gte=since, open_time__lte=last.open_time)


def _moved_on(stored: Ticker, figures: dict[str, str] | None) -> Ticker:
    """Return the ticker with the unfinished candle that follows the last finished one."""
    if figures is None or figures["source"] != stored.source or datetime.fromisoformat(figures["time"]) < stored.time:
        return stored
    high, low, close, volume = (Decimal(figures[name]) for name in ("high", "low", "close", "volume"))
    return Ticker(
        stored.symbol, stored.timeframe, stored.source, close, datetime.fromisoformat(figures["at"]), False,
        stored.open, max(stored.high, high), min(stored.low, low), stored.volume + volume,
    )  # fmt: skip


def _dump(found: Ticker) -> bytes:
    return json.dumps(asdict(found), default=str).encode()


def _load(text: bytes) -> Ticker:
    values = json.loads(text)
    exact = {name: Decimal(values[name]) for name in ("price", "open", "high", "low", "volume")}
    return Ticker(**{**values, **exact, "time": datetime.fromisoformat(values["time"])})
