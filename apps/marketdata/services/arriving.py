"""Candles that arrive from a feed: stored once, told of, and the feed moved on, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import InvalidCandle
from algotrendy.trading.values import Timeframe
from apps.common.events import publish
from apps.marketdata import cache
from apps.marketdata.models import Feed
from apps.marketdata.selectors.telling import candle_told
from apps.marketdata.services.candles import UNNESTED, bar_checked, unnested
from apps.marketdata.services.partitions import partitions_ensure

TOLD = 3
"""Of candles that come together the newest so many are told of: who needs all of them reads the rows."""


def candle_arrived(*, feed: Feed, bar: Bar) -> bool:
    """Store a closed candle of a feed; return False, with nothing changed but the position, where it was there."""
    return bool(candles_arrived(feed=feed, bars=[bar]))


def candles_arrived(*, feed: Feed, bars: Sequence[Bar], provider: str = "") -> int:
    """Store closed candles of a feed, oldest first, move the feed to the last and tell of them; return the new ones.

    Candles at or before the feed's position are left out, and what is stored already stays as it is: what was traded on
    is not rewritten. `provider` is who delivered them. Raises InvalidCandle, and stores none, where one is bad.
    """
    frame, now = Timeframe(feed.timeframe), timezone.now()
    checked = [bar_checked(bar, feed.instrument, frame) for bar in bars]
    for bar in checked:
        if bar.close_time > now:
            raise InvalidCandle(f"the candle of {bar.open_time:%Y-%m-%d %H:%M} has not closed yet")
    with cache.changing(feed.instrument.symbol), transaction.atomic():
        locked = Feed.objects.select_for_update().get(pk=feed.pk)
        later = [bar for bar in checked if locked.position is None or bar.open_time > locked.position]
        if not later:
            return 0
        partitions_ensure(bar.open_time for bar in later)
        new = _insert(locked, later, provider, now)
        _move(feed, later[-1].open_time, provider, now)
        for bar in [bar for bar in later if bar.open_time in new][-TOLD:]:
            publish("candles", candle_told(feed, bar))
    feed.position, feed.last_received_at, feed.last_error, feed.provider = later[-1].open_time, now, "", provider
    return len(new)


def _move(feed: Feed, position: datetime, provider: str, now: datetime) -> None:
    Feed.objects.filter(pk=feed.pk).update(
        position=position, last_received_at=now, last_error="", provider=provider or feed.source
    )


def _insert(feed: Feed, bars: Sequence[Bar], provider: str, now: datetime) -> set[datetime]:
    """Write the candles that the series does not have; return their open times."""
    with connection.cursor() as cursor:
        other = "" if provider == feed.source else provider
        cursor.execute(_INSERT_SQL, [feed.instrument_id, feed.timeframe, feed.source, other, now, *unnested(bars)])
        return {time for (time,) in cursor.fetchall()}


_INSERT_SQL = f"""
INSERT INTO marketdata_candle
    (instrument_id, timeframe, source, provider, received_at, open_time, open, high, low, close, volume)
SELECT %s, %s, %s, %s, %s, bar.*
FROM {UNNESTED}
ON CONFLICT (instrument_id, timeframe, source, open_time) DO NOTHING
RETURNING open_time
"""  # noqa: S608 - a constant
