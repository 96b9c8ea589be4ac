"""Read candles, made of shorter ones where they are not stored. Rows become arrays here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import BigIntegerField, F, FloatField, Func, QuerySet
from django.db.models.functions import Cast

from algotrendy.trading.candles import Bar, Candles, Times
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Candle, Instrument

from .aggregating import aggregated, base_of
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
    found = _columns(instrument.symbol, timeframe, rows.order_by("-open_time"), length)
    if len(found) == 0 and length > 0:
        end = None if until is None else until + Timeframe.M1.duration
        return _as_columns(instrument.symbol, timeframe, _made(instrument, timeframe, source, None, end, newest=length))
    return found


def candles_between(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None, before: int
) -> Candles:
    """Return the candles with start ≤ open_time < end and `before` older ones, as columns."""
    rows = series_rows(instrument, timeframe, source)
    length = _between(rows, start, end).count()
    if length == 0 and (made := _made(instrument, timeframe, source, None, end)):
        older = sum(row[0] < start for row in made) if start is not None else 0
        return _as_columns(instrument.symbol, timeframe, made[max(older - before, 0) :])
    return _columns(instrument.symbol, timeframe, _between(rows, None, end).order_by("-open_time"), length + before)


def candle_count(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None
) -> int:
    """Return how many candles there are with start ≤ open_time < end."""
    stored = _between(series_rows(instrument, timeframe, source), start, end).count()
    return stored or len(_made(instrument, timeframe, source, start, end))


def candle_times(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None
) -> Times:
    """Return the open times of the candles with start ≤ open_time < end as Unix seconds, oldest first."""
    rows = _between(series_rows(instrument, timeframe, source), start, end).order_by("open_time")
    times = list(rows.values_list(_Epoch(F("open_time")), flat=True)) or [
        int(row[0].timestamp()) for row in _made(instrument, timeframe, source, start, end)
    ]
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
        newest = newest or _made(instrument, timeframe, chosen, None, end, newest=limit)
        return CandlesPage(timeframe, chosen, newest, None)
    rows = list(stored.order_by("open_time")[: limit + 1])
    rows = rows or _made(instrument, timeframe, chosen, start, end, oldest=limit + 1)
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
        for made in _made(instrument, timeframe, source, start, end):
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


def _made(
    instrument: Instrument,
    timeframe: str,
    source: str,
    start: datetime | None,
    end: datetime | None,
    *,
    newest: int | None = None,
    oldest: int | None = None,
) -> list[Any]:
    """Return the candles that are made of shorter ones; none where the series is stored, or nothing shorter is."""
    base = base_of(instrument, timeframe, source)
    if base is None:
        return []
    return aggregated(
        instrument=instrument,
        timeframe=timeframe,
        source=source,
        base=base,
        start=start,
        end=end,
        newest=newest,
        oldest=oldest,
    )


def _between(rows: QuerySet[Candle], start: datetime | None, end: datetime | None) -> QuerySet[Candle]:
    if start is not None:
        rows = rows.filter(open_time__gte=start)
    return rows if end is None else rows.filter(open_time__lt=end)


class _Epoch(Func):  # type: ignore[misc, unused-ignore]
    """Unix seconds of a time, made by the server: cheaper than a datetime for each row."""

    template = "EXTRACT(EPOCH FROM %(expressions)s)::bigint"
    output_field = BigIntegerField()


def _as_columns(symbol: str, timeframe: str, rows: Sequence[tuple[Any, ...]]) -> Candles:
    numbers = [(row[0].timestamp(), *map(float, row[1:])) for row in rows]
    table = np.array(numbers, dtype=np.float64).reshape(-1, 1 + len(PRICES)).T.copy()
    return Candles(symbol, Timeframe(timeframe), table[0].astype(np.int64), *table[1:])


def _columns(symbol: str, timeframe: str, newest_first: QuerySet[Candle], length: int) -> Candles:
    """Fetch the rows as numbers and turn them into columns, oldest first."""
    columns = [_Epoch(F("open_time")), *(Cast(name, FloatField()) for name in PRICES)]
    rows = list(newest_first.values_list(*columns)[: max(length, 0)])
    # Unix seconds are exact in a float64, so that one array takes all columns.
    table = np.array(rows, dtype=np.float64).reshape(-1, 1 + len(PRICES))[::-1].T.copy()
    return Candles(symbol, Timeframe(timeframe), table[0].astype(np.int64), *table[1:])
