"""How the platform is right now: measured when asked, with no invented history."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from algotrendy.trading.values import Timeframe
from apps.common.jobs import queue_lengths
from apps.marketdata.models import Feed
from apps.marketdata.selectors import FeedState, feed_age, feed_is_stale, feed_state, feeds

BUSY_QUEUE = 100
SLOW_DATABASE_MS = 100
WORKER_MEMORY = 10
"""Seconds for which the workers' answer is kept, so that many open dashboards ask them once."""
GRACE = timedelta(seconds=30)
type Item = dict[str, str]


def health() -> list[Item]:
    """Return each part with its state (ok, warn, bad, idle), what was measured, and what to do about it."""
    return [_feeds(), *(_guarded(name, part) for name, part in _PARTS)]


def _feeds() -> Item:
    enabled = [feed for feed in feeds() if feed.enabled]
    if not enabled:
        return _item("Market feeds", "idle", "none enabled", "Enable a feed under Operate, Feeds.")
    now = timezone.now()
    states = [(feed, feed_state(feed)) for feed in enabled]
    failed = [feed for feed, state in states if state is FeedState.FAILED]
    if failed:
        return _item("Market feeds", "bad", f"{failed[0].instrument} failed", failed[0].last_error)
    arriving = [feed for feed, state in states if state is FeedState.ACTIVE]
    if not arriving:
        return _item("Market feeds", "idle", "all candles sent", "The replay is at its end; import newer candles.")
    ages = [age for feed in arriving if (age := feed_age(feed, now=now)) is not None]
    if not ages:
        return _item("Market feeds", "warn", "nothing yet", "No candle has arrived; is `manage.py run_feeds` running?")
    late = [feed for feed in arriving if _is_late(feed, now)]
    newest = f"{_age(min(ages))} ago"
    text = f"{len(late)} of {len(arriving)} late, newest {newest}" if late else newest
    return _item("Market feeds", "warn" if late else "ok", text, "")


def _is_late(feed: Feed, now: datetime) -> bool:
    if not feed.is_replay:
        return feed_is_stale(feed, now=now)
    age = feed_age(feed, now=now)
    expected = Timeframe(feed.timeframe).duration / feed.speed
    return age is None or age > expected * 3 + GRACE


def _workers() -> Item:
    count = cache.get("dashboard:workers")
    if count is None:
        answers: list[Any] = current_app.control.ping(timeout=1.0)
        count = len(answers)
        cache.set("dashboard:workers", count, WORKER_MEMORY)
    if not count:
        return _item("Workers", "bad", "no answer", "Orders and strategies wait; start a Celery worker.")
    return _item("Workers", "ok", f"{count} alive", "")


def _database() -> Item:
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    took = (time.monotonic() - started) * 1000
    return _item("Database", "warn" if took > SLOW_DATABASE_MS else "ok", f"{took:.1f} ms", "")


def _queues() -> Item:
    waiting = sum(queue_lengths().values())
    hint = "The workers do not keep up; start more of them." if waiting > BUSY_QUEUE else ""
    return _item("Queue", "warn" if waiting > BUSY_QUEUE else "ok", f"{waiting} waiting", hint)


_PARTS: tuple[tuple[str, Callable[[], Item]], ...] = (
    ("Workers", _workers),
    ("Database", _database),
    ("Queue", _queues),
)


def _guarded(name: str, part: Callable[[], Item]) -> Item:
    try:
        return part()
    except (RedisError, OperationalError, OSError) as error:
        return _item(name, "bad", "not reachable", str(error))


def _item(name: str, state: str, text: str, hint: str) -> Item:
    return {"name": name, "state": state, "text": text, "hint": hint}


def _age(age: timedelta) -> str:
    seconds = max(age.total_seconds(), 0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
