"""Whether the parts of the platform answer, each with how long it took and what to do where it does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from apps.operations.heartbeat import HEARTBEAT_KEY, STALE_AFTER


@dataclass(frozen=True, slots=True)
class Part:
    """One part's state; `advice` is empty while it is well."""

    name: str
    ok: bool
    milliseconds: float
    advice: str = ""


def check_ready() -> list[Part]:
    """Return the parts that a request needs."""
    return [
        _checked("database", _database, "PostgreSQL does not answer; start it, or correct DATABASE_URL."),
        _checked("redis", _redis, "Redis does not answer; start it, or correct REDIS_URL."),
        _checked("migrations", is_migrated, "The database is behind the code; run manage.py migrate."),
    ]


def check_worker() -> Part:
    """Return whether the scheduler and a worker have been at work lately."""
    return _checked("worker", _heartbeat, "No worker has run the heartbeat lately; start a Celery worker and beat.")


def _checked(name: str, check: Callable[[], bool], advice: str) -> Part:
    started = time.perf_counter()
    try:
        ok = check()
    except (DatabaseError, redis.RedisError, OSError):
        ok = False
    return Part(name, ok, round((time.perf_counter() - started) * 1000, 1), "" if ok else advice)


def _database() -> bool:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


def _redis() -> bool:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    finally:
        client.close()


def is_migrated() -> bool:
    """Tell whether the database has every migration of the code."""
    executor = MigrationExecutor(connections["default"])
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def _heartbeat() -> bool:
    beat = cache.get(HEARTBEAT_KEY)
    return beat is not None and time.time() - beat < STALE_AFTER
