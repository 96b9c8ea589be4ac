"""Store candles by the million: columns in, checked as columns, copied into the table."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import InvalidOperation

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction
from django.utils import timezone
from pyarrow import csv

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import InvalidCandle
from algotrendy.trading.values import ORIGIN, Timeframe, quantize
from apps.marketdata import cache
from apps.marketdata.models import Instrument
from apps.marketdata.services.candles import UPSERT_FROM, StoreReport
from apps.marketdata.services.partitions import partitions_ensure

BATCH = 50_000
AMOUNT = pa.decimal128(28, 8)
TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema([("open_time", TIME), *((name, AMOUNT) for name in ("open", "high", "low", "close", "volume"))])
"""What a load takes: open times in UTC, exact prices and volumes."""


@dataclass(frozen=True, slots=True)
class _Series:
    instrument_id: int
    timeframe: Timeframe
    source: str

    @property
    def key(self) -> tuple[int, str, str]:
        return self.instrument_id, self.timeframe.value, self.source


def table_of(bars: Iterable[Bar]) -> pa.Table:
    """Return candles as a table that can be loaded; raise InvalidCandle where a figure has too many digits."""
    names = SCHEMA.names[1:]
    rows = list(bars)
    try:
        columns = [pa.array([quantize(getattr(bar, name)) for bar in rows], AMOUNT) for name in names]
    except (pa.ArrowInvalid, InvalidOperation):
        raise InvalidCandle("a price or the volume has more than 20 digits before the point") from None
    return pa.table([pa.array([bar.open_time for bar in rows], TIME), *columns], schema=SCHEMA)


def candles_load(*, instrument: Instrument, timeframe: str, source: str, table: pa.Table) -> StoreReport:
    """Insert or update the finished candles of an Arrow table, or none; raise InvalidCandle at the first bad.

    Columns as in `SCHEMA`, in any order of rows; doubles are rounded to 8 decimals. Otherwise as `candles_store`, but
    without an object for each candle: a stretch of which nothing is stored is copied straight into the table, and what
    overlaps goes through a temporary one.
    """
    series, now = _Series(instrument.pk, Timeframe(timeframe), source), timezone.now()
    checked = _checked(table, series.timeframe)
    finished = _finished(checked, series.timeframe, now)
    inserted = updated = 0
    with cache.changing(instrument.symbol), transaction.atomic():
        _prepare(series, finished)
        for batch in _batches(finished):
            new, changed = _write(series, batch)
            inserted, updated = inserted + new, updated + changed
    return StoreReport(inserted, updated, len(finished) - inserted - updated, len(checked) - len(finished))


def _checked(table: pa.Table, timeframe: Timeframe) -> pa.Table:
    """Return the columns exact and in order of time; raise InvalidCandle."""
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if missing:
        raise InvalidCandle(f"the columns {', '.join(missing)} are missing")
    try:
        exact = table.select(SCHEMA.names).cast(SCHEMA).combine_chunks()
    except pa.ArrowInvalid as error:
        raise InvalidCandle(f"a time, price or volume cannot be kept: {error}") from None
    exact = exact.sort_by("open_time")
    _refuse(exact, _nulls(exact), "a figure is missing")
    zero = pa.scalar(0, AMOUNT)
    low, high = exact["low"], exact["high"]
    _refuse(exact, pc.less_equal(low, zero), "low is not above 0")
    _refuse(exact, pc.less(exact["volume"], zero), "volume is negative")
    for name in ("open", "close"):
        _refuse(exact, pc.greater(low, exact[name]), f"low is above {name}")
        _refuse(exact, pc.less(high, exact[name]), f"high is below {name}")
    micros = exact["open_time"].cast(pa.int64())
    step = int(timeframe.duration.total_seconds()) * 1_000_000
    since = pc.subtract(micros, int(ORIGIN.timestamp()) * 1_000_000)
    off = pc.not_equal(pc.multiply(pc.divide(since, step), step), since)
    _refuse(exact, off, f"the time does not start a {timeframe} candle in UTC (wrong time zone?)")
    if len(exact) > 1:
        same = pc.equal(micros.slice(1), micros.slice(0, len(micros) - 1))
        _refuse(exact.slice(1), same, "there are two candles for the time")
    return exact


def _nulls(table: pa.Table) -> pa.ChunkedArray:
    found = pc.is_null(table["open_time"])
    for name in SCHEMA.names[1:]:
        found = pc.or_(found, pc.is_null(table[name]))
    return found


def _refuse(table: pa.Table, is_wrong: pa.ChunkedArray, cause: str) -> None:
    if pc.any(is_wrong).as_py():
        row = pc.index(is_wrong, value=True).as_py()
        time = table["open_time"][row].as_py()
        at = "without a time" if time is None else f"of {time:%Y-%m-%d %H:%M}"
        raise InvalidCandle(f"the candle {at}: {cause}")


def _finished(table: pa.Table, timeframe: Timeframe, now: datetime) -> pa.Table:
    return table.filter(pc.less_equal(table["open_time"], pa.scalar(now - timeframe.duration, TIME)))


def _prepare(series: _Series, table: pa.Table) -> None:
    """Make the parts that the candles need, and keep other loads of the series waiting."""
    years = pc.unique(pc.year(table["open_time"])).to_pylist() if len(table) else []
    partitions_ensure(datetime(year, 1, 1, tzinfo=UTC) for year in years)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", ["/".join(map(str, series.key))])


def _batches(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, len(table), BATCH):
        yield table.slice(start, BATCH)


def _write(series: _Series, batch: pa.Table) -> tuple[int, int]:
    """Write a batch; return how many candles are new and how many were changed."""
    if _is_free(series, batch):
        try:
            with transaction.atomic():
                _copy(_COPY, _with_series(series, batch))
            return len(batch), 0
        except psycopg.errors.UniqueViolation:  # A feed has stored one of them meanwhile.
            pass
    return _upsert(series, batch)


def _is_free(series: _Series, batch: pa.Table) -> bool:
    times = batch["open_time"]
    with connection.cursor() as cursor:
        cursor.execute(_IS_FREE, [*series.key, times[0].as_py(), times[-1].as_py()])
        return bool(cursor.fetchone()[0])


def _with_series(series: _Series, batch: pa.Table) -> pa.Table:
    columns = [pa.repeat(str(part), len(batch)) for part in series.key]
    return pa.table([*columns, *batch.columns], names=["instrument_id", "timeframe", "source", *batch.column_names])


def _upsert(series: _Series, batch: pa.Table) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        _copy(_COPY_STAGED, batch)
        cursor.execute(_UPSERT_STAGED, list(series.key))
        written = [is_new for (is_new,) in cursor.fetchall()]
        cursor.execute("DROP TABLE staged_candle")
    return written.count(True), written.count(False)


def _copy(statement: str, table: pa.Table) -> None:
    text = io.BytesIO()
    csv.write_csv(table, text, csv.WriteOptions(include_header=False, quoting_style="none"))
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(text.getbuffer())


_COLUMNS = "open_time, open, high, low, close, volume"
_IS_FREE = """
SELECT NOT EXISTS (
    SELECT FROM marketdata_candle
    WHERE instrument_id = %s AND timeframe = %s AND source = %s AND open_time BETWEEN %s AND %s
)
"""
_COPY = f"COPY marketdata_candle (instrument_id, timeframe, source, {_COLUMNS}) FROM STDIN (FORMAT csv)"
_STAGE = """
CREATE TEMP TABLE staged_candle (
    open_time timestamptz, open numeric, high numeric, low numeric, close numeric, volume numeric
) ON COMMIT DROP
"""
_COPY_STAGED = f"COPY staged_candle ({_COLUMNS}) FROM STDIN (FORMAT csv)"
_UPSERT_STAGED = UPSERT_FROM.format(series="%s, %s, %s, now()", rows="staged_candle AS bar ORDER BY bar.open_time")
