"""Where candles are missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from algotrendy.trading.values import ORIGIN, Timeframe
from apps.marketdata.models import ALWAYS_OPEN, Gap, GapStatus, Instrument

from .sessions import expected_sql, seconds


@dataclass(frozen=True, slots=True)
class Stretch:
    """`missing` candles that open from `start` to before `end`, the next one that is stored."""

    start: datetime
    end: datetime
    missing: int


def gaps() -> QuerySet[Gap]:
    return Gap.objects.select_related("instrument", "outage")


def open_gaps() -> QuerySet[Gap]:
    return gaps().filter(status=GapStatus.OPEN)


def gaps_of(instrument: Instrument, timeframe: str, source: str) -> QuerySet[Gap]:
    """Return the gaps of one series."""
    return Gap.objects.filter(instrument=instrument, timeframe=timeframe, source=source)


def gaps_between(
    *, instrument: Instrument, timeframe: str, source: str, start: datetime | None, end: datetime | None
) -> list[Stretch]:
    """Return where candles are missing between stored ones that open in start ≤ time ≤ end, oldest first.

    A market that is closed misses nothing: by the sessions of the instrument's calendar.
    """
    frame = Timeframe(timeframe)
    is_always_open = instrument.calendar == ALWAYS_OPEN
    expected = expected_sql(frame).format(start="stretch.start", end="stretch.following")
    values = {
        "instrument": instrument.pk, "timeframe": frame.value, "source": source, "step": seconds(frame),
        "start": start, "end": end, "monday": ORIGIN, "calendar": instrument.calendar,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ALWAYS if is_always_open else _IN_SESSIONS.format(expected=expected), values)
        return [Stretch(*row) for row in cursor.fetchall()]


_STRETCHES = """
WITH stretch AS (
    SELECT open_time + %(step)s::interval AS start, following FROM (
        SELECT open_time, lead(open_time) OVER (ORDER BY open_time) AS following
        FROM marketdata_candle
        WHERE instrument_id = %(instrument)s AND timeframe = %(timeframe)s AND source = %(source)s
            AND (%(start)s::timestamptz IS NULL OR open_time >= %(start)s)
            AND (%(end)s::timestamptz IS NULL OR open_time <= %(end)s)
    ) AS pair
    WHERE following > open_time + %(step)s::interval
)
"""
_ALWAYS = (
    _STRETCHES
    + """
SELECT start, following, (extract(epoch FROM following - start) / extract(epoch FROM %(step)s::interval))::bigint
FROM stretch ORDER BY start
"""
)
_IN_SESSIONS = (
    _STRETCHES
    + """
SELECT min(expected.moment), stretch.following, count(*)
FROM stretch, LATERAL ({expected}) AS expected
GROUP BY stretch.start, stretch.following ORDER BY 1
"""
)
