"""The id that joins a request, the tasks it set off, their log lines and the events they wrote."""

from __future__ import annotations

import structlog


def current_id() -> str:
    """Return the correlation id of what is being done, or an empty string."""
    bound = structlog.contextvars.get_contextvars()
    return str(bound.get("correlation_id") or bound.get("request_id") or bound.get("task_id") or "")[:64]
