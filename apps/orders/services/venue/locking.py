"""One worker at a time for a connection's work with its venue; the database frees the lock of a worker that dies."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error
from django.db import connection as database

FOLLOWING, RECONCILING, SWEEPING = 0xF0110, 0x2EC0, 0x5EEB
"""The first keys of the advisory locks."""


@contextmanager
def connection_lock(space: int, connection_id: uuid.UUID) -> Iterator[bool]:
    """Hold a connection's lock of a kind of work; give whether it was free. Never waits."""
    keys = [space, connection_id.int % 2**31]
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", keys)
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with suppress(Error), database.cursor() as cursor:  # A lost connection has given it back.
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", keys)
