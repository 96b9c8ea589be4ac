"""What reading candles shows: holes between them that the hourly search has not seen yet."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime

import redis
from django_redis import get_redis_connection

from algotrendy.trading.values import Timeframe
from apps.common.jobs import enqueue
from apps.marketdata.models import Instrument, Source
from apps.marketdata.selectors.series import series_rows
from apps.marketdata.services.gaps import span_search

SECONDS_BETWEEN = 600
"""How long a series is not searched again because of a hole that somebody has read across."""


def read_across(*, instrument: Instrument, timeframe: str, source: str, times: Sequence[datetime]) -> bool:
    """Have the series searched where candles were read, oldest first, that do not follow each other; tell whether.

    A hole need not be a gap: markets close. That is looked up by the search, in the background.
    """
    step = Timeframe(timeframe).duration
    holes = [(before, after) for before, after in itertools.pairwise(times) if after - before != step]
    if not holes or source == Source.REPLAY:
        return False
    key = f"algotrendy:read_across:{instrument.pk}:{timeframe}:{source}"
    try:
        if not get_redis_connection("default").set(key, 1, nx=True, ex=SECONDS_BETWEEN):
            return False
    except redis.RedisError:
        return False
    span = (holes[0][0].isoformat(), holes[-1][1].isoformat())
    enqueue("marketdata.search_span", instrument.pk, timeframe, source, *span, expires=SECONDS_BETWEEN)
    return True


def read_span_search(*, instrument_id: int, timeframe: str, source: str, start: datetime, end: datetime) -> int:
    """Note the gaps of a span that was read, if the series is stored and not made of a shorter one."""
    instrument = Instrument.objects.get(pk=instrument_id)
    if not series_rows(instrument, timeframe, source).exists():
        return 0
    return span_search(instrument=instrument, timeframe=timeframe, source=source, start=start, end=end)
