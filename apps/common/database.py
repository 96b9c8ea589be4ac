"""How values come from PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from django.db.backends.signals import connection_created


class UtcLoader(BaseTzLoader):  # type: ignore[misc]
    """Read times in UTC by Python's compiled parser: Django's own way takes a tenth of a list's time."""

    timezone = UTC

    def load(self, data: Any) -> datetime:
        try:
            time = datetime.fromisoformat(bytes(data).decode())
        except ValueError:  # A time that Python has no word for, which raises what it always has.
            return super().load(data)  # type: ignore[no-any-return]
        return time if time.tzinfo is UTC else super().load(data)


def read_times_fast() -> None:
    connection_created.connect(_register, dispatch_uid="read_times_fast")


def _register(connection: Any, **kwargs: Any) -> None:
    if connection.timezone is UTC:
        connection.connection.adapters.register_loader("timestamptz", UtcLoader)
