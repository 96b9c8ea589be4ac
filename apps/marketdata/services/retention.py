"""Delete candles that are older than their timeframe's retention, a batch at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from apps.marketdata import cache
from apps.marketdata.models import Instrument, Retention
from apps.marketdata.selectors import series_list
from apps.marketdata.selectors.gaps import gaps_of
from apps.marketdata.selectors.series import Series, series_rows
from apps.marketdata.services.partitions import partitions_drop_empty

log = structlog.get_logger(__name__)
BATCH = 20_000
ALWAYS_KEPT = 1000
"""The newest candles of a series that no retention deletes: what its strategies need to go on."""


def candles_retain(*, now: datetime | None = None) -> dict[str, int]:
    """Delete what is past its retention; return how many candles of each timeframe."""
    moment = now or timezone.now()
    rules = dict(Retention.objects.values_list("timeframe", "days"))
    deleted: dict[str, int] = {}
    for series in series_list():
        days = rules.get(series.timeframe.value)
        if days is not None:
            count = _retain(series, moment - timedelta(days=days))
            deleted[series.timeframe.value] = deleted.get(series.timeframe.value, 0) + count
    _drop_parts(moment)
    log.info("candles_retained", **{f"deleted_{timeframe}": count for timeframe, count in deleted.items()})
    return deleted


def _retain(series: Series, before: datetime) -> int:
    instrument = Instrument.objects.get(symbol=series.symbol)
    rows = series_rows(instrument, series.timeframe.value, series.source)
    times = rows.order_by("-open_time").values_list("open_time", flat=True)
    oldest_kept = times[ALWAYS_KEPT - 1 : ALWAYS_KEPT].first()
    if oldest_kept is None:
        return 0
    until = min(before - series.timeframe.duration, oldest_kept)
    deleted = 0
    while count := _delete_batch(instrument, series, until):
        deleted += count
    gaps_of(instrument, series.timeframe.value, series.source).filter(end__lte=until).delete()
    return deleted


def _delete_batch(instrument: Instrument, series: Series, until: datetime) -> int:
    with cache.changing(instrument.symbol), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DELETE, [instrument.pk, series.timeframe.value, series.source, until, BATCH])
        return int(cursor.rowcount)


def _drop_parts(moment: datetime) -> None:
    try:
        years = partitions_drop_empty(before=moment)
    except OperationalError as error:  # Somebody reads for long; the next night will do.
        log.warning("parts_not_dropped", error=str(error).splitlines()[0])
        return
    if years:
        log.info("parts_dropped", years=years)


_DELETE = """
DELETE FROM marketdata_candle WHERE (instrument_id, timeframe, source, open_time) IN (
    SELECT instrument_id, timeframe, source, open_time FROM marketdata_candle
    WHERE instrument_id = %s AND timeframe = %s AND source = %s AND open_time < %s
    ORDER BY open_time LIMIT %s
)
"""
