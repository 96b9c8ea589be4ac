"""Which series of candles are stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Candle, Feed, Instrument


@dataclass(frozen=True, slots=True)
class Series:
    """The stored candles of one source, and the open times of the oldest and the newest."""

    symbol: str
    timeframe: Timeframe
    source: str
    first: datetime
    last: datetime


def oldest_time(rows: QuerySet[Candle]) -> datetime | None:
    """Return when the first of these candles opened; None where there is none."""
    found: datetime | None = rows.order_by("open_time").values_list("open_time", flat=True).first()
    return found


def newest_time(rows: QuerySet[Candle]) -> datetime | None:
    """Return when the last of these candles opened; None where there is none."""
    found: datetime | None = rows.order_by("-open_time").values_list("open_time", flat=True).first()
    return found


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
    known = series_list(instrument)
    stored = [series for series in known if series.timeframe == timeframe]
    if not stored:  # Longer candles are made of these.
        length = Timeframe(timeframe).duration
        stored = [series for series in known if series.timeframe.duration < length]
    return max(stored, key=lambda series: (series.last, series.source)).source if stored else None


def series_rows(instrument: Instrument, timeframe: str, source: str) -> QuerySet[Candle]:
    """Return the candles of one series, unordered."""
    return Candle.objects.filter(instrument=instrument, timeframe=timeframe, source=source)


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
