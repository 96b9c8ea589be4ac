"""How things are when a stream begins, and when it has missed something."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from apps.accounts.models import User
from apps.common.events import how_things_are
from apps.dashboard.stream.access import in_thread
from apps.dashboard.stream.hub import Client

log = structlog.get_logger(__name__)
MOST = 200
"""Rows of a topic."""


async def snapshot(client: Client) -> dict[str, list[dict[str, Any]]] | None:
    """Return the rows of each of the client's topics, as their events tell them; None where they cannot be read."""
    try:
        return await in_thread(lambda: _read(client))
    except (DatabaseError, RedisError, User.DoesNotExist) as error:
        log.warning("stream_without_snapshot", error=str(error).splitlines()[0])
        return None


def _read(client: Client) -> dict[str, list[dict[str, Any]]]:
    user = User.objects.get(pk=client.listener.user_id)
    return {
        topic: [row for row in how_things_are(topic, user, MOST) if client.wants_symbol(row)]
        for topic in sorted(client.listener.topics)
    }
