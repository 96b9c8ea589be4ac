"""Read instruments, candles and feeds. Rows become arrays here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import numpy as np
from django.db import connection
from django.db.models import BigIntegerField, Exists, F, FloatField, Func, OuterRef, QuerySet
from django.db.models.functions import Cast

from algotrendy.trading.candles import Bar, Candles, Times
from algotrendy.trading.errors import TradingError
from algotrendy.trading.values import Timeframe

from . import cache
from .models import Candle, Feed, Instrument

PRICES = ("open", "high", "low", "close", "volume")
type CandleRow = tuple[datetime, Decimal, Decimal, Decimal, Decimal, Decimal]


class UnknownSymbol(TradingError):
    """No instrument has the symbol."""

    code = "unknown_symbol"


class NoCandle(TradingError):
    """No candle of the instrument has arrived yet."""

    code = "no_candle"


@dataclass(frozen=True, slots=True)
class Series:
    """The stored candles of one source, and the open times of the oldest and the newest."""

    symbol: str
    timeframe: Timeframe
    source: str
    first: datetime
    last: datetime


class FeedState(StrEnum):
    """What a feed is doing, read from its row and its origin's candles."""

    DISABLED = "disabled"
    FAILED = "failed"
    EMPTY = "empty"  # nothing is stored that it could send
    FINISHED = "finished"  # everything that is stored was sent
    ACTIVE = "active"  # candles are left to send


def instrument_get(symbol: str) -> Instrument:
    """Return the instrument of exactly this symbol; raise UnknownSymbol."""
    try:
        return Instrument.objects.get(symbol=symbol)
    except Instrument.DoesNotExist:
        raise UnknownSymbol(
            f"There is no instrument {symbol[:40]!r}; GET /api/market-data/instruments and the admin list them."
        ) from None


def instruments() -> QuerySet[Instrument]:
    return Instrument.objects.order_by("symbol")


def candles_window(
    *, instrument: Instrument, timeframe: str, source: str, until: datetime | None, length: int
) -> Candles:
    """Return the newest `length` candles with open_time ≤ `until` (any, where None), oldest first, as columns."""
    rows = _series(instrument, timeframe, source)
    if until is not None:
        rows = rows.filter(open_time__lte=until)
    return _columns(instrument.symbol, timeframe, rows.order_by("-open_time"), length)


def candles_between(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None, before: int
) -> Candles:
    """Return the candles with start ≤ open_time < end and `before` older ones, as columns."""
    rows = _series(instrument, timeframe, source)
    length = _between(rows, start, end).count()
    return _columns(instrument.symbol, timeframe, _between(rows, None, end).order_by("-open_time"), length + before)


def candle_count(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None
) -> int:
    """Return how many candles are stored with start ≤ open_time < end."""
    return _between(_series(instrument, timeframe, source), start, end).count()


def candle_times(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None
) -> Times:
    """Return the open times of the candles with start ≤ open_time < end as Unix seconds, oldest first."""
    rows = _between(_series(instrument, timeframe, source), start, end).order_by("open_time")
    return np.array(list(rows.values_list(_Epoch(F("open_time")), flat=True)), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class CandlesPage:
    """Rows of one series, oldest first; `next_start` is where to read on, None at the end."""

    timeframe: str
    source: str | None
    rows: list[CandleRow]
    next_start: datetime | None


def candles_page(
    *,
    instrument: Instrument,
    timeframe: str,
    source: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int,
) -> CandlesPage:
    """Return at most `limit` candles with start ≤ open_time < end, oldest first, of `source` or else of `source_of`.

    With a start these are the oldest of that span, else the newest.
    """
    chosen = source or source_of(instrument, timeframe)
    if chosen is None:
        return CandlesPage(timeframe, None, [], None)
    stored = _between(_series(instrument, timeframe, chosen), start, end).values_list("open_time", *PRICES)
    if start is None:
        return CandlesPage(timeframe, chosen, list(stored.order_by("-open_time")[:limit])[::-1], None)
    rows = list(stored.order_by("open_time")[: limit + 1])
    return CandlesPage(timeframe, chosen, rows[:limit], rows[limit][0] if len(rows) > limit else None)


def bars(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None
) -> Iterator[Bar]:
    """Yield the candles with start ≤ open_time < end, oldest first, through a server-side cursor."""
    rows = _between(_series(instrument, timeframe, source), start, end).order_by("open_time")
    frame = Timeframe(timeframe)
    for row in rows.values_list("open_time", *PRICES).iterator(chunk_size=2000):
        yield Bar(instrument.symbol, frame, *row)


def bars_after(
    *, instrument: Instrument, timeframe: str, source: str, position: datetime | None, length: int
) -> list[Bar]:
    """Return the next `length` candles that opened after `position` (from the oldest, where None)."""
    rows = _series(instrument, timeframe, source).order_by("open_time")
    if position is not None:
        rows = rows.filter(open_time__gt=position)
    frame = Timeframe(timeframe)
    return [Bar(instrument.symbol, frame, *row) for row in rows.values_list("open_time", *PRICES)[:length]]


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
        if (candle := _series(instrument, timeframe, source).order_by("-open_time").first())
    ]
    return max(newest, key=lambda candle: (candle.close_time, candle.open_time), default=None)


def series_list(instrument: Instrument | None = None) -> list[Series]:
    """Return the stored series, by symbol, timeframe and source; skips from one to the next in the index."""
    with connection.cursor() as cursor:
        cursor.execute(_SERIES_SQL)
        rows = cursor.fetchall()
    found = [
        Series(symbol, Timeframe(timeframe), source, first, last)
        for symbol, timeframe, source, first, last in rows
        if instrument is None or symbol == instrument.symbol
    ]
    order = list(Timeframe)
    return sorted(found, key=lambda series: (series.symbol, order.index(series.timeframe), series.source))


def source_of(instrument: Instrument, timeframe: str) -> str | None:
    """Return whose candles to show where none is asked for: the enabled feed's, else the newest stored series'."""
    feed = Feed.objects.filter(instrument=instrument, timeframe=timeframe, enabled=True).first()
    if feed is not None:
        return feed.source
    stored = [series for series in series_list(instrument) if series.timeframe == timeframe]
    return max(stored, key=lambda series: (series.last, series.source)).source if stored else None


def feeds() -> QuerySet[Feed]:
    """Return the feeds with their instrument and `has_origin` and `has_later`, from which `feed_state` reads."""
    origin = Candle.objects.filter(
        instrument=OuterRef("instrument"), timeframe=OuterRef("timeframe"), source=OuterRef("origin")
    )
    return Feed.objects.select_related("instrument").annotate(
        has_origin=Exists(origin), has_later=Exists(origin.filter(open_time__gt=OuterRef("position")))
    )


def feed_state(feed: Feed) -> FeedState:
    """Say what a feed of `feeds()` is doing."""
    if not feed.enabled:
        return FeedState.DISABLED
    if feed.last_error:
        return FeedState.FAILED
    if not feed.has_origin:  # type: ignore[attr-defined]
        return FeedState.EMPTY
    if feed.position is not None and not feed.has_later:  # type: ignore[attr-defined]
        return FeedState.FINISHED
    return FeedState.ACTIVE


def feed_age(feed: Feed, *, now: datetime) -> timedelta | None:
    """Return how long ago the feed's last candle arrived; None where none did."""
    return None if feed.last_received_at is None else now - feed.last_received_at


def _series(instrument: Instrument, timeframe: str, source: str) -> QuerySet[Candle]:
    return Candle.objects.filter(instrument=instrument, timeframe=timeframe, source=source)


def _between(rows: QuerySet[Candle], start: datetime | None, end: datetime | None) -> QuerySet[Candle]:
    if start is not None:
        rows = rows.filter(open_time__gte=start)
    return rows if end is None else rows.filter(open_time__lt=end)


class _Epoch(Func):  # type: ignore[misc, unused-ignore]
    """Unix seconds of a time, made by the server: cheaper than a datetime for each row."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)::bigint"
    output_field = BigIntegerField()


def _columns(symbol: str, timeframe: str, newest_first: QuerySet[Candle], length: int) -> Candles:
    """Fetch the rows as numbers and turn them into columns, oldest first."""
    columns = [_Epoch(F("open_time")), *(Cast(name, FloatField()) for name in PRICES)]
    rows = list(newest_first.values_list(*columns)[: max(length, 0)])
    # Unix seconds are exact in a float64, so that one array takes all columns.
    table = np.array(rows, dtype=np.float64).reshape(-1, 1 + len(PRICES))[::-1].T.copy()
    return Candles(symbol, Timeframe(timeframe), table[0].astype(np.int64), *table[1:])


_SERIES_SQL = """
WITH RECURSIVE series AS (
    (SELECT instrument_id, timeframe, source FROM marketdata_candle ORDER BY 1, 2, 3 LIMIT 1)
    UNION ALL
    SELECT following.* FROM series, LATERAL (
        SELECT candle.instrument_id, candle.timeframe, candle.source FROM marketdata_candle candle
        WHERE (candle.instrument_id, candle.timeframe, candle.source)
            > (series.instrument_id, series.timeframe, series.source)
        ORDER BY 1, 2, 3 LIMIT 1
    ) following
)
SELECT instrument.symbol, series.timeframe, series.source, span.first, span.last
FROM series
JOIN marketdata_instrument instrument ON instrument.id = series.instrument_id,
LATERAL (
    SELECT min(open_time) AS first, max(open_time) AS last FROM marketdata_candle candle
    WHERE candle.instrument_id = series.instrument_id AND candle.timeframe = series.timeframe
        AND candle.source = series.source
) span
"""
