"""Store candles: many at once, or one as it arrives from a feed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import batched, pairwise

from django.db import connection, transaction
from django.utils import timezone

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import InvalidCandle
from algotrendy.trading.values import Timeframe, quantize
from apps.common.events import publish
from apps.marketdata import cache
from apps.marketdata.models import Feed, Instrument

BATCH = 5000
LARGEST = Decimal(10) ** 20
"""Amounts have 20 digits before the point."""


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What became of the candles that were to be stored."""

    inserted: int
    updated: int
    unchanged: int
    unfinished: int

    @property
    def total(self) -> int:
        return self.inserted + self.updated + self.unchanged


def candles_store(*, instrument: Instrument, timeframe: str, source: str, bars: Iterable[Bar]) -> StoreReport:
    """Insert or update the finished candles in one transaction; raise InvalidCandle and store none where one is bad.

    A candle that is stored with equal figures stays as it is, one with other figures is updated. Prices and volumes are
    rounded to 8 decimals. Candles that have not closed yet are counted and left out.
    """
    frame, now = Timeframe(timeframe), timezone.now()
    checked = sorted((_checked(bar, instrument, frame) for bar in bars), key=lambda bar: bar.open_time)
    for earlier, later in pairwise(checked):
        if earlier.open_time == later.open_time:
            raise InvalidCandle(f"there are two candles for {later.open_time:%Y-%m-%d %H:%M}")
    finished = [bar for bar in checked if bar.close_time <= now]
    inserted = updated = 0
    with cache.changing(instrument.pk), transaction.atomic():
        # Sorted, so that concurrent writers lock rows in the same order.
        for batch in batched(finished, BATCH):
            written = _upsert(instrument.pk, frame, source, batch, now)
            inserted += written.count(True)
            updated += written.count(False)
    return StoreReport(inserted, updated, len(finished) - inserted - updated, len(checked) - len(finished))


def candle_arrived(*, feed: Feed, bar: Bar) -> bool:
    """Store a closed candle of a feed, move the feed to it and tell of it, all or nothing.

    Return False, and change nothing but the position, where the candle was there already.
    """
    checked = _checked(bar, feed.instrument, Timeframe(feed.timeframe))
    now = timezone.now()
    if checked.close_time > now:
        raise InvalidCandle(f"the candle of {checked.open_time:%Y-%m-%d %H:%M} has not closed yet")
    with cache.changing(feed.instrument_id), transaction.atomic():
        locked = Feed.objects.select_for_update().get(pk=feed.pk)
        if locked.position is not None and checked.open_time <= locked.position:
            return False
        is_new = _insert(locked, checked, now)
        Feed.objects.filter(pk=feed.pk).update(position=checked.open_time, last_received_at=now, last_error="")
        if is_new:
            publish("candles", _message(feed, checked))
    feed.position, feed.last_received_at, feed.last_error = checked.open_time, now, ""
    return is_new


def _checked(bar: Bar, instrument: Instrument, timeframe: Timeframe) -> Bar:
    """Return the candle with figures as they are stored; raise InvalidCandle."""
    bar.validate()
    if bar.symbol != instrument.symbol or bar.timeframe is not timeframe:
        raise InvalidCandle(f"a {bar.timeframe} candle of {bar.symbol} is none of {instrument.symbol} {timeframe}")
    if max(bar.high, bar.volume) >= LARGEST:
        raise InvalidCandle("a price or the volume has more than 20 digits before the point")
    try:
        return Bar(
            bar.symbol,
            bar.timeframe,
            bar.open_time,
            quantize(bar.open),
            quantize(bar.high),
            _above_zero(quantize(bar.low)),
            quantize(bar.close),
            quantize(bar.volume),
        )
    except InvalidOperation:
        raise InvalidCandle("a price or the volume has too many digits") from None


def _above_zero(low: Decimal) -> Decimal:
    if low == 0:
        raise InvalidCandle("low is below 0.00000001, the smallest price that is kept")
    return low


def _upsert(instrument_id: int, timeframe: Timeframe, source: str, bars: Sequence[Bar], now: datetime) -> list[bool]:
    """Write the candles; return True for each that was inserted and False for each that was changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT_SQL,
            [
                instrument_id,
                timeframe.value,
                source,
                now,
                [bar.open_time for bar in bars],
                [bar.open for bar in bars],
                [bar.high for bar in bars],
                [bar.low for bar in bars],
                [bar.close for bar in bars],
                [bar.volume for bar in bars],
            ],
        )
        return [is_new for (is_new,) in cursor.fetchall()]


def _insert(feed: Feed, bar: Bar, now: datetime) -> bool:
    """Write a candle unless the series has one of its time: what was traded on is not rewritten."""
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT_SQL,
            [
                feed.instrument_id,
                feed.timeframe,
                feed.source,
                bar.open_time,
                bar.open,
                bar.high,
                bar.low,
                bar.close,
                bar.volume,
                now,
            ],
        )
        return bool(cursor.rowcount == 1)


def _message(feed: Feed, bar: Bar) -> dict[str, object]:
    return {
        "symbol": bar.symbol,
        "timeframe": bar.timeframe.value,
        "source": feed.source,
        "feed_id": feed.pk,
        "time": bar.open_time.isoformat(),
        "open": str(bar.open),
        "high": str(bar.high),
        "low": str(bar.low),
        "close": str(bar.close),
        "volume": str(bar.volume),
    }


_UPSERT_SQL = """
INSERT INTO marketdata_candle AS stored
    (instrument_id, timeframe, source, received_at, open_time, open, high, low, close, volume)
SELECT %s, %s, %s, %s, bar.*
FROM unnest(%s::timestamptz[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[]) AS bar
ON CONFLICT (instrument_id, timeframe, source, open_time) DO UPDATE
SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume,
    received_at = excluded.received_at
WHERE (stored.open, stored.high, stored.low, stored.close, stored.volume)
    IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
RETURNING (xmax = 0)
"""
_INSERT_SQL = """
INSERT INTO marketdata_candle
    (instrument_id, timeframe, source, open_time, open, high, low, close, volume, received_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (instrument_id, timeframe, source, open_time) DO NOTHING
"""
