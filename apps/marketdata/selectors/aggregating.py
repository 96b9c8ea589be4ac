"""Longer candles made of shorter ones, by the database, where the longer are not stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from algotrendy.trading.values import ORIGIN, Timeframe
from apps.marketdata.models import ALWAYS_OPEN, Candle, Instrument

from .series import newest_time, oldest_time, series_rows
from .sessions import LONG, seconds


@dataclass(frozen=True, slots=True)
class _Base:
    """The shorter candles that a timeframe is made of, and the open times of the oldest and the newest."""

    timeframe: Timeframe
    first: datetime
    last: datetime

    @property
    def closed_at(self) -> datetime:
        return self.last + self.timeframe.duration


def _base_of(instrument: Instrument, timeframe: str, source: str) -> _Base | None:
    """Return what to make the candles of: the longest stored timeframe that divides this one; None if it is stored."""
    frame = Timeframe(timeframe)
    if series_rows(instrument, timeframe, source).exists():
        return None
    for shorter in reversed(Timeframe):
        if shorter.duration < frame.duration and frame.duration % shorter.duration == shorter.duration * 0:
            rows = series_rows(instrument, shorter.value, source)
            first, last = oldest_time(rows), newest_time(rows)
            if first is not None and last is not None:
                return _Base(shorter, first, last)
    return None


def aggregated(
    *,
    instrument: Instrument,
    timeframe: str,
    source: str,
    start: datetime | None = None,
    end: datetime | None = None,
    newest: int | None = None,
    oldest: int | None = None,
) -> list[tuple[Any, ...]]:
    """Return (open time, open, high, low, close, volume) with start ≤ open time < end, oldest first.

    None where the series is stored, or nothing shorter is. Only what is finished: a candle whose end, or whose last
    session's close, the base has reached; and not the first one where the base begins within it. `newest` or `oldest`
    limits them from that side. Weeks begin on Monday in UTC; days and weeks of a market with a calendar hold its
    sessions and nothing else.
    """
    base = _base_of(instrument, timeframe, source)
    if base is None:
        return []
    frame = Timeframe(timeframe)
    in_sessions = instrument.calendar != ALWAYS_OPEN and frame in LONG
    since = _since(instrument, frame, source, base, newest, end) if newest is not None and not in_sessions else None
    values = {
        "instrument": instrument.pk, "base": base.timeframe.value, "source": source, "step": seconds(frame),
        "base_step": seconds(base.timeframe), "monday": ORIGIN, "calendar": instrument.calendar, "first": base.first,
        "closed_at": base.closed_at, "start": start, "end": end, "since": since,
    }  # fmt: skip
    order, limit = ("DESC", newest) if newest is not None else ("ASC", oldest)
    query = (_BY_SESSION if in_sessions else _BY_TIME) + f" ORDER BY 1 {order}" + (" LIMIT %(limit)s" if limit else "")
    with connection.cursor() as cursor:
        cursor.execute(query, {**values, "limit": limit})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows[::-1] if newest is not None else rows


def _since(
    instrument: Instrument, frame: Timeframe, source: str, base: _Base, newest: int, end: datetime | None
) -> datetime | None:
    """Return an open time of the base from which on there are at least so many longer candles, gaps or not."""
    rows = series_rows(instrument, base.timeframe.value, source)
    if end is not None:
        rows = rows.filter(open_time__lt=end + frame.duration)
    count = (newest + 2) * (frame.duration // base.timeframe.duration)
    found: datetime | None = rows.order_by("-open_time").values_list("open_time", flat=True)[count : count + 1].first()
    return None if found is None else frame.floor(found)


_FIGURES = """
    (array_agg(candle.open ORDER BY candle.open_time))[1], max(candle.high), min(candle.low),
    (array_agg(candle.close ORDER BY candle.open_time DESC))[1], sum(candle.volume)
"""
_GIVEN = "WITH given AS (SELECT %(step)s::interval AS step, %(monday)s::timestamptz AS monday)"
_BY_TIME = f"""
{_GIVEN}, candle AS (
    SELECT date_bin(given.step, stored.open_time, given.monday) AS bin, stored.*
    FROM {Candle._meta.db_table} stored, given
    WHERE stored.instrument_id = %(instrument)s AND stored.timeframe = %(base)s AND stored.source = %(source)s
        AND (%(since)s::timestamptz IS NULL OR stored.open_time >= %(since)s)
        AND (%(start)s::timestamptz IS NULL OR stored.open_time >= %(start)s)
        AND (%(end)s::timestamptz IS NULL OR stored.open_time < %(end)s::timestamptz + %(step)s::interval)
)
SELECT candle.bin, {_FIGURES}
FROM candle, given
WHERE candle.bin + given.step <= %(closed_at)s AND candle.bin >= %(first)s
    AND (%(start)s::timestamptz IS NULL OR candle.bin >= %(start)s)
    AND (%(end)s::timestamptz IS NULL OR candle.bin < %(end)s)
GROUP BY 1
"""  # noqa: S608 - constants
_BY_SESSION = f"""
{_GIVEN}, day AS (
    SELECT date_bin(given.step, date::timestamp AT TIME ZONE 'UTC', given.monday) AS bin, opens_at, closes_at
    FROM marketdata_marketsession, given WHERE calendar = %(calendar)s
), whole AS (
    SELECT bin FROM day GROUP BY bin
    HAVING max(closes_at) <= %(closed_at)s AND min(opens_at) + %(base_step)s::interval > %(first)s
        AND (%(start)s::timestamptz IS NULL OR bin >= %(start)s) AND (%(end)s::timestamptz IS NULL OR bin < %(end)s)
)
SELECT day.bin, {_FIGURES}
FROM whole JOIN day USING (bin) JOIN {Candle._meta.db_table} candle
    ON candle.open_time > day.opens_at - %(base_step)s::interval AND candle.open_time < day.closes_at
WHERE candle.instrument_id = %(instrument)s AND candle.timeframe = %(base)s AND candle.source = %(source)s
GROUP BY 1
"""  # noqa: S608 - constants
