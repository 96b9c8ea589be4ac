"""Tables as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text must not begin with, for a spreadsheet would take it for a formula."""


def csv_lines(names: list[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield the names and then each row as a line."""
    yield csv_line(names)
    for row in rows:
        yield csv_line(row)


def csv_line(values: Iterable[object]) -> str:
    """Return one line: figures plain and without needless zeros, times in UTC, nothing for None, text as text."""
    room = io.StringIO()
    csv.writer(room, lineterminator="\n").writerow([_cell(value) for value in values])
    return room.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
