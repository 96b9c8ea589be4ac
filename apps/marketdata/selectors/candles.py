"""Read candles, made of shorter ones where they are not stored. Rows become arrays here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import BigIntegerField, F, Func, QuerySet

from algotrendy.trading.candles import Bar, Candles, Times
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Candle, Feed, Instrument

from .aggregating import aggregated
from .columns import packed_between, packed_newest
from .series import series_rows, source_of

PRICES = ("open", "high", "low", "close", "volume")
type CandleRow = tuple[datetime, Decimal, Decimal, Decimal, Decimal, Decimal]


def candles_window(
    *, instrument: Instrument, timeframe: str, source: str, until: datetime | None, length: int
) -> Candles:
    """Return the newest `length` candles with open_time ≤ `until` (any, where None), oldest first, as columns."""
    rows = series_rows(instrument, timeframe, source)
    if until is not None:
        rows = rows.filter(open_time__lte=until)
    found = packed_newest(instrument.symbol, timeframe, rows, length)
    if len(found) == 0 and length > 0:
        end = None if until is None else until + Timeframe.M1.duration
        made = aggregated(instrument=instrument, timeframe=timeframe, source=source, end=end, newest=length)
        return _candles(instrument.symbol, timeframe, _timed(made))
    return found


def candles_between(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None, before: int
) -> Candles:
    """Return the candles with start ≤ open_time < end and `before` older ones, as columns."""
    rows = series_rows(instrument, timeframe, source)
    first = start if start is None or before == 0 else _older(rows, start, before)
    found = packed_between(instrument.symbol, timeframe, _between(rows, first, end))
    is_there = len(found) > 0 and (start is None or found.time[-1] >= start.timestamp())
    if not is_there and (made := aggregated(instrument=instrument, timeframe=timeframe, source=source, end=end)):
        older = sum(row[0] < start for row in made) if start is not None else 0
        return _candles(instrument.symbol, timeframe, _timed(made[max(older - before, 0) :]))
    return found


def _older(rows: QuerySet[Candle], start: datetime, before: int) -> datetime | None:
    """Return when the oldest of the `before` candles that come before the start opened; None where there are fewer."""
    times = rows.filter(open_time__lt=start).order_by("-open_time").values_list("open_time", flat=True)
    found: datetime | None = times[before - 1 : before].first()
    return found


def candle_count(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None
) -> int:
    """Return how many candles there are with start ≤ open_time < end."""
    stored = _between(series_rows(instrument, timeframe, source), start, end).count()
    return stored or len(aggregated(instrument=instrument, timeframe=timeframe, source=source, start=start, end=end))


def candle_times(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None
) -> Times:
    """Return the open times of the candles with start ≤ open_time < end as Unix seconds, oldest first."""
    rows = _between(series_rows(instrument, timeframe, source), start, end).order_by("open_time")
    times = list(rows.values_list(_Epoch(F("open_time")), flat=True))
    if not times:
        made = aggregated(instrument=instrument, timeframe=timeframe, source=source, start=start, end=end)
        times = [int(row[0].timestamp()) for row in made]
    return np.array(times, dtype=np.int64)


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
    stored = _between(series_rows(instrument, timeframe, chosen), start, end).values_list("open_time", *PRICES)
    if start is None:
        newest = list(stored.order_by("-open_time")[:limit])[::-1]
        newest = newest or aggregated(instrument=instrument, timeframe=timeframe, source=chosen, end=end, newest=limit)
        return CandlesPage(timeframe, chosen, newest, None)
    rows = list(stored.order_by("open_time")[: limit + 1])
    rows = rows or aggregated(
        instrument=instrument, timeframe=timeframe, source=chosen, start=start, end=end, oldest=limit + 1
    )
    return CandlesPage(timeframe, chosen, rows[:limit], rows[limit][0] if len(rows) > limit else None)


def bars(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None
) -> Iterator[Bar]:
    """Yield the candles with start ≤ open_time < end, oldest first, through a server-side cursor."""
    rows = _between(series_rows(instrument, timeframe, source), start, end).order_by("open_time")
    frame = Timeframe(timeframe)
    is_stored = False
    for row in rows.values_list("open_time", *PRICES).iterator(chunk_size=2000):
        is_stored = True
        yield Bar(instrument.symbol, frame, *row)
    if not is_stored:
        for made in aggregated(instrument=instrument, timeframe=timeframe, source=source, start=start, end=end):
            yield Bar(instrument.symbol, frame, *made)


def bars_after(
    *, instrument: Instrument, timeframe: str, source: str, position: datetime | None, length: int
) -> list[Bar]:
    """Return the next `length` candles that opened after `position` (from the oldest, where None)."""
    rows = series_rows(instrument, timeframe, source).order_by("open_time")
    if position is not None:
        rows = rows.filter(open_time__gt=position)
    frame = Timeframe(timeframe)
    return [Bar(instrument.symbol, frame, *row) for row in rows.values_list("open_time", *PRICES)[:length]]


def feed_bars_after(*, feed: Feed, position: datetime | None, length: int) -> list[Bar]:
    """Return the next `length` candles of a feed's series that opened after `position` (the oldest, where None)."""
    return bars_after(
        instrument=feed.instrument, timeframe=feed.timeframe, source=feed.source, position=position, length=length
    )


def _between(rows: QuerySet[Candle], start: datetime | None, end: datetime | None) -> QuerySet[Candle]:
    if start is not None:
        rows = rows.filter(open_time__gte=start)
    return rows if end is None else rows.filter(open_time__lt=end)


class _Epoch(Func):  # type: ignore[misc, unused-ignore]
    """Unix seconds of a time, made by the server: cheaper than a datetime for each row."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)::bigint"
    output_field = BigIntegerField()


def _timed(rows: Iterable[CandleRow]) -> list[tuple[Any, ...]]:
    """Return rows with their times as Unix seconds."""
    return [(row[0].timestamp(), *row[1:]) for row in rows]


def _candles(symbol: str, timeframe: str, rows: Sequence[tuple[Any, ...]]) -> Candles:
    """Turn rows of numbers, oldest first, into columns."""
    # Unix seconds are exact in a float64, so that one array takes all columns.
    table = np.array(rows, dtype=np.float64).reshape(-1, 1 + len(PRICES)).T.copy()
    return Candles(symbol, Timeframe(timeframe), table[0].astype(np.int64), *table[1:])
