"""Candles as columns: packed by the server into one value, unpacked by NumPy, without an object for each candle.

The server packs in whatever order it reads, for then its workers share the casts, which are most of the time; NumPy
puts the candles into order.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import BinaryField, F, Func, Max, Min, QuerySet

from algotrendy.trading.candles import Candles
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Candle

CANDLE = np.dtype(
    [("time", ">i8"), ("open", ">f8"), ("high", ">f8"), ("low", ">f8"), ("close", ">f8"), ("volume", ">f8")]
)
SINCE_2000 = 946_684_800
FEW = 10_000
"""Candles that are cheaper to take from an index in order."""
PACKED = 5_000_000
"""Candles in one value, of 48 bytes each: PostgreSQL's values end at a gigabyte."""
type Packed = npt.NDArray[Any]


class _Packed(Func):  # type: ignore[misc, unused-ignore]
    """A candle as PostgreSQL sends it: the microseconds since 2000, and five doubles, each of eight bytes."""

    template = "||".join(
        [
            "timestamptz_send(%(expressions)s)",
            *(f'float8send("{name}"::float8)' for name in CANDLE.names[1:]),  # type: ignore[index]
        ]
    )
    output_field = BinaryField()


def packed_between(symbol: str, timeframe: str, rows: QuerySet[Candle]) -> Candles:
    """Return the rows, which are of one series, as columns, oldest first."""
    parts = [_in_order(_fetch(part)) for part in _parts(rows.order_by(), Timeframe(timeframe).duration * PACKED)]
    return _candles(symbol, timeframe, np.concatenate(parts) if parts else _unpacked(b""))


def packed_newest(symbol: str, timeframe: str, rows: QuerySet[Candle], length: int) -> Candles:
    """Return the newest `length` of the rows, which are of one series, as columns, oldest first."""
    if length <= 0:
        return _candles(symbol, timeframe, _unpacked(b""))
    newest_first = rows.order_by("-open_time")
    if length <= FEW:
        return _candles(symbol, timeframe, _in_order(_fetch(newest_first[:length])))
    first = newest_first.values_list("open_time", flat=True)[length - 1 : length].first()
    found = packed_between(symbol, timeframe, rows if first is None else rows.filter(open_time__gte=first))
    return found.tail(length)  # A candle may have come since the first one was looked up.


def _parts(rows: QuerySet[Candle], longest: timedelta) -> Iterator[QuerySet[Candle]]:
    """Yield the rows in stretches of time, oldest first, none of which holds too many."""
    bounds = rows.aggregate(first=Min("open_time"), last=Max("open_time"))
    start, last = bounds["first"], bounds["last"]
    while start is not None and last - start >= longest:
        yield rows.filter(open_time__gte=start, open_time__lt=start + longest)
        start += longest
    if start is not None:
        yield rows.filter(open_time__gte=start)


def _fetch(rows: QuerySet[Candle]) -> Packed:
    """Return the rows one behind the other; asked for as bytes, which are half of what text would be."""
    sql, params = rows.values_list(_Packed(F("open_time"))).query.sql_with_params()
    with _bytes_cursor() as cursor:
        cursor.execute(f"SELECT string_agg(packed, ''::bytea) FROM ({sql}) AS row (packed)", params)  # noqa: S608
        (packed,) = cursor.fetchone()
    return _unpacked(packed or b"")


def _bytes_cursor() -> CursorWrapper:
    """Return a cursor of Django's connection that asks for bytes; those that Django makes by itself cannot."""
    connection.ensure_connection()
    cursor: Any = psycopg.Cursor(connection.connection)
    cursor.format = psycopg.pq.Format.BINARY
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)


def _unpacked(packed: bytes) -> Packed:
    return np.frombuffer(packed, dtype=CANDLE)


def _in_order(table: Packed) -> Packed:
    return table[np.argsort(table["time"].astype(np.int64), kind="stable")]


def _candles(symbol: str, timeframe: str, table: Packed) -> Candles:
    time = table["time"].astype(np.int64) // 1_000_000 + SINCE_2000
    figures = (table[name].astype(np.float64) for name in CANDLE.names[1:])  # type: ignore[index]
    return Candles(symbol, Timeframe(timeframe), time, *figures)
