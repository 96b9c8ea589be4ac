"""A page's columns as the texts that PostgreSQL sends: those that are given out as texts need not become values.

Figures, times and ids are a list's bulk. Making each a Decimal, a datetime or a UUID, only to write it down again, took
a third of the time of reading a page.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from psycopg.types.string import TextLoader

AS_TEXTS = ("numeric", "timestamptz", "uuid")
"""PostgreSQL's types that come as texts."""
WHOLE_SECONDS = len("12:00:00")
type Read = Callable[[Any], Any]
VALUES: dict[type[models.Field[Any, Any]], Read] = {
    models.DecimalField: Decimal,
    models.DateTimeField: datetime.fromisoformat,
    models.UUIDField: UUID,
}


def read_as_texts(cursor: Any) -> None:
    """Let what the cursor reads from here on come as texts, where it is of such a type."""
    for name in AS_TEXTS:
        cursor.adapters.register_loader(name, TextLoader)


def plain_text(text: str) -> str:
    """Return a figure without trailing zeros: 1.50000000 is 1.5."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def utc_text(text: str) -> Any:
    """Return a time in ISO 8601 with Z and no fraction, or all six digits of it; one in another form as a datetime."""
    if text[10:11] != " " or not text.endswith("+00"):
        return datetime.fromisoformat(text)
    time = text[11:-3]
    return f"{text[:10]}T{time if len(time) == WHOLE_SECONDS else time.ljust(15, '0')}Z"


def output_of(column: models.Field[Any, Any]) -> Read | None:
    """Return how the column's text is given out; None for as it is."""
    if isinstance(column, models.JSONField):
        return value_of(column)
    return {models.DecimalField: plain_text, models.DateTimeField: utc_text}.get(_kind(column))


def value_of(column: models.Field[Any, Any]) -> Read | None:
    """Return how the column's text becomes its value; None where it comes as that."""
    if isinstance(column, models.JSONField):
        return partial(_json, column)
    return VALUES.get(_kind(column))


def is_readable(column: models.Field[Any, Any]) -> bool:
    """Tell whether the column needs nothing that a page of texts leaves out: no conversion of its own."""
    return isinstance(column, models.JSONField | ArrayField) or not hasattr(column, "from_db_value")


def _kind(column: models.Field[Any, Any]) -> Any:
    if isinstance(column, models.ForeignKey):
        return _kind(column.target_field)
    return next((kind for kind in VALUES if isinstance(column, kind)), None)


def _json(column: Any, text: str) -> Any:
    return {} if text == "{}" else column.from_db_value(text, None, connection)
