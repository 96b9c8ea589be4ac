"""The id that joins a request, the tasks it set off, their log lines and the events they wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog


def current_id() -> str:
    """Return the correlation id of what is being done, or an empty string."""
    bound = structlog.contextvars.get_contextvars()
    return str(bound.get("correlation_id") or bound.get("request_id") or bound.get("task_id") or "")[:64]


@contextmanager
def correlated(correlation_id: str) -> Iterator[None]:
    """Do something for another request than that which set it off: its log lines and events carry that one's id."""
    with structlog.contextvars.bound_contextvars(**{"correlation_id": correlation_id} if correlation_id else {}):
        yield
