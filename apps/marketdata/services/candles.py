"""Store candles that are known to be finished."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import batched, pairwise
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import InvalidCandle
from algotrendy.trading.values import Timeframe, quantize
from apps.marketdata import cache
from apps.marketdata.models import Instrument
from apps.marketdata.services.partitions import partitions_ensure

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
    checked = sorted((bar_checked(bar, instrument, frame) for bar in bars), key=lambda bar: bar.open_time)
    for earlier, later in pairwise(checked):
        if earlier.open_time == later.open_time:
            raise InvalidCandle(f"there are two candles for {later.open_time:%Y-%m-%d %H:%M}")
    finished = [bar for bar in checked if bar.close_time <= now]
    inserted = updated = 0
    with cache.changing(instrument.symbol), transaction.atomic():
        partitions_ensure(bar.open_time for bar in finished)
        # Sorted, so that concurrent writers lock rows in the same order.
        for batch in batched(finished, BATCH):
            written = _upsert(instrument.pk, frame, source, batch, now)
            inserted += written.count(True)
            updated += written.count(False)
    return StoreReport(inserted, updated, len(finished) - inserted - updated, len(checked) - len(finished))


def bar_checked(bar: Bar, instrument: Instrument, timeframe: Timeframe) -> Bar:
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
        cursor.execute(_UPSERT_SQL, [instrument_id, timeframe.value, source, now, *unnested(bars)])
        return [is_new for (is_new,) in cursor.fetchall()]


def unnested(bars: Sequence[Bar]) -> list[list[Any]]:
    """Return the columns that `UNNESTED` makes rows of."""
    names = ("open_time", "open", "high", "low", "close", "volume")
    return [[getattr(bar, name) for bar in bars] for name in names]


UNNESTED = "unnest(%s::timestamptz[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[]) AS bar"
UPSERT_FROM = """
WITH written AS (
    INSERT INTO marketdata_candle AS stored
        (instrument_id, timeframe, source, received_at, open_time, open, high, low, close, volume)
    SELECT {series}, bar.*
    FROM {rows}
    ON CONFLICT (instrument_id, timeframe, source, open_time) DO UPDATE
    SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, received_at = excluded.received_at
    WHERE (stored.open, stored.high, stored.low, stored.close, stored.volume)
        IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
    RETURNING instrument_id, timeframe, source, open_time
)
SELECT before.open_time IS NULL
FROM written LEFT JOIN marketdata_candle before USING (instrument_id, timeframe, source, open_time)
"""
"""Insert rows of (open time, open, high, low, close, volume), or change those that differ; true for each new one, which
the statement's own view of the table does not hold."""
_UPSERT_SQL = UPSERT_FROM.format(series="%s, %s, %s, %s", rows=UNNESTED)
