"""The candle table's parts, one a year: made before the first candle of a year is written, dropped when empty."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import connection, transaction
from django.utils import timezone

TABLE = "marketdata_candle"
LOCK_KEY = 0x59454152
_known: set[int] = set()
"""Years of now whose part was seen to exist. Older ones are looked up, for another process may have dropped them."""


def partitions_ensure(times: Iterable[datetime]) -> None:
    """Make the parts for candles that open at these times, where they are missing."""
    for year in sorted({time.astimezone(UTC).year for time in times}):
        if year not in _known and not _exists(year):
            _make(year)


def partitions_drop_empty(*, before: datetime) -> list[int]:
    """Drop the parts of whole years before a time that hold nothing; return their years."""
    last = min(before.astimezone(UTC).year, timezone.now().year)
    return [year for year in partition_years() if year < last and _drop_if_empty(year)]


def partition_years() -> list[int]:
    """Return the years that have a part, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = %s::regclass",
            [TABLE],
        )
        return sorted(int(name.rpartition("_")[2]) for (name,) in cursor.fetchall())


def _exists(year: int) -> bool:
    """Tell whether the part is there; remember it where neither a rollback nor a retention can take it back."""
    with connection.cursor() as cursor:
        # Not by to_regclass: it may answer from what this session looked up before another one made the part.
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
            "WHERE inhparent = %s::regclass AND relname = %s)",
            [TABLE, f"{TABLE}_{year}"],
        )
        exists = bool(cursor.fetchone()[0])
    if exists and not connection.in_atomic_block and year >= timezone.now().year:
        _known.add(year)
    return exists


@transaction.atomic
def _make(year: int) -> None:
    """Make the part beside the table and attach it, which does not wait for those who read the table."""
    part = f"{TABLE}_{year}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        if _exists(year):
            return
        cursor.execute(f"CREATE TABLE {part} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        start, end = (datetime(each, 1, 1, tzinfo=UTC).isoformat() for each in (year, year + 1))
        cursor.execute(f"ALTER TABLE {TABLE} ATTACH PARTITION {part} FOR VALUES FROM ('{start}') TO ('{end}')")


def _drop_if_empty(year: int) -> bool:
    part = f"{TABLE}_{year}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"SELECT NOT EXISTS (SELECT FROM {part})")  # noqa: S608
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(f"DROP TABLE {part}")
    return True
