"""The event bus: what happened, told to other parts of this process and, through Redis, to every open stream.

`publish` sends after the transaction commits, so that nobody hears of what did not happen. A lost message is never a
lost fact: rows are the truth, and whoever listens can read them again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import redis
import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone


def channel_of(redis_url: str) -> str:
    """Return the channel of a numbered database: Redis itself tells every number's listeners everything."""
    return f"algotrendy:events:{urlsplit(redis_url).path.strip('/') or 0}"


CHANNEL = channel_of(settings.REDIS_URL)
log = structlog.get_logger(__name__)
type Handler = Callable[[dict[str, Any]], None]
type Rows = Callable[[Any, int], list[dict[str, Any]]]
_present: dict[str, Rows] = {}
_handlers: dict[str, list[Handler]] = defaultdict(list)


def subscribe(topic: str, handler: Handler) -> None:
    """Call the handler in this process for each event of the topic; apps subscribe in `AppConfig.ready`."""
    if handler not in _handlers[topic]:
        _handlers[topic].append(handler)


def present(topic: str, rows: Rows) -> None:
    """Let streams that begin be told how things are: what the topic's events would have told by now."""
    _present[topic] = rows


def how_things_are(topic: str, user: Any, most: int) -> list[dict[str, Any]]:
    """Return the rows of a topic that the user may see, at most so many, as its events tell them; some have none."""
    return _present[topic](user, most) if topic in _present else []


def publish(topic: str, data: dict[str, Any], *, owner_id: int | None = None) -> None:
    """Tell of an event once the current transaction has committed.

    `data` is JSON-ready; with `owner_id` only that user's streams (and administrators') receive it.
    """
    transaction.on_commit(lambda: _send(topic, data, owner_id))


def _send(topic: str, data: dict[str, Any], owner_id: int | None) -> None:
    for handler in _handlers[topic]:
        handler(data)
    message = {"topic": topic, "owner": owner_id, "at": timezone.now().isoformat(), "data": data}
    try:
        _redis().publish(CHANNEL, json.dumps(message))
    except redis.RedisError as error:
        # Streams catch up from the rows; the work that was done stands.
        log.warning("event_not_streamed", topic=topic, error=str(error))


@cache
def _redis() -> redis.Redis[bytes]:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1)
