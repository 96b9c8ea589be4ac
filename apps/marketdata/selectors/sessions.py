"""When a market's candles are to be expected."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from algotrendy.trading.values import ORIGIN, Timeframe
from apps.marketdata.models import ALWAYS_OPEN, Instrument

EXPECTED = """
SELECT DISTINCT moment FROM (
    SELECT generate_series(
        date_bin(%(step)s::interval, session.opens_at, %(monday)s::timestamptz),
        session.closes_at - interval '1 microsecond',
        %(step)s::interval
    ) AS moment
    FROM marketdata_marketsession session
    WHERE session.calendar = %(calendar)s AND session.closes_at > {start} AND session.opens_at < {end}
) AS expected
WHERE moment >= {start} AND moment < {end}
"""
"""The open times of a calendar's candles shorter than a day: those that hold a moment of a session."""
EXPECTED_DAYS = """
SELECT DISTINCT moment FROM (
    SELECT date_bin(%(step)s::interval, session.date::timestamp AT TIME ZONE 'UTC', %(monday)s::timestamptz) AS moment
    FROM marketdata_marketsession session WHERE session.calendar = %(calendar)s
) AS expected
WHERE moment >= {start} AND moment < {end}
"""
"""The open times of a calendar's daily and weekly candles."""
LONG = (Timeframe.D1, Timeframe.W1)
"""Timeframes whose candles are sessions, called by their days."""


def seconds(timeframe: Timeframe) -> str:
    """Return a timeframe as PostgreSQL reads an interval."""
    return f"{timeframe.duration.total_seconds():.0f} seconds"


def expected_sql(timeframe: Timeframe) -> str:
    """Return the query of expected open times, which wants `step`, `monday` and `calendar`; format start and end in."""
    return EXPECTED_DAYS if timeframe in LONG else EXPECTED


def next_expected(*, instrument: Instrument, timeframe: Timeframe, after: datetime, until: datetime) -> datetime | None:
    """Return the open time of the candle that should follow one, where it opens before `until`; else None."""
    if instrument.calendar == ALWAYS_OPEN:
        following = after + timeframe.duration
        return following if following < until else None
    query = expected_sql(timeframe).format(start="%(start)s", end="%(end)s")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT min(moment) FROM ({query}) AS expected WHERE moment > %(start)s",  # noqa: S608
            {
                "step": seconds(timeframe),
                "monday": ORIGIN,
                "calendar": instrument.calendar,
                "start": after,
                "end": until,
            },
        )
        found: datetime | None = cursor.fetchone()[0]
        return found
