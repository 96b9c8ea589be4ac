"""What was read of an instrument's candles, kept in Redis and never older than what is committed.

All that is kept of an instrument lies in one hash with a version, for a minute at most.

- A writer notes its hold before its transaction, which drops the hash, and takes the hold away after the commit. While
  there is a hold, readers go to the database and keep nothing.
- A reader that finds nothing takes the version along, reads the database, and puts what it read there only while the
  version stands: a hold ends it.

So nothing can be read after the commit that made it old, also when the writer is killed in between: a hold that is left
behind outlives every value. Without Redis, or with MARKETDATA_CACHE off, everything is read from the database.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import transaction
from django_redis import get_redis_connection

from apps.common.metrics import cache_requests

PREFIX = "algotrendy:market:"
SECONDS_KEPT = 60
SECONDS_HELD = 90
LARGEST = 256 * 1024
LARGEST_TOGETHER = 4 * 1024 * 1024
"""Bytes that are kept of one answer, and of one instrument: whoever asks for everything cannot fill the memory."""

_HOLDS = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local held = redis.call('ZCARD', KEYS[2]) > 0
"""
_LOOK = (
    _HOLDS
    + """
if held then return {false, false} end
local version = redis.call('HGET', KEYS[1], 'version')
if version then return {version, redis.call('HGET', KEYS[1], ARGV[1])} end
redis.call('HSET', KEYS[1], 'version', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {ARGV[2], false}
"""
)
_PUT = (
    _HOLDS
    + """
if held or redis.call('HGET', KEYS[1], 'version') ~= ARGV[2] then return end
local together = tonumber(redis.call('HGET', KEYS[1], 'bytes') or 0) + #ARGV[3]
if together > tonumber(ARGV[4]) then return end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3], 'bytes', together)
"""
)
_HOLD = (
    _HOLDS
    + """
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('UNLINK', KEYS[1])
"""
)
_RELEASE = "redis.call('ZREM', KEYS[2], ARGV[1]) redis.call('UNLINK', KEYS[1])"

log = structlog.get_logger(__name__)
_unheld: set[str] = set()
"""Symbols whose candles changed while Redis was away; what is kept of them is dropped as soon as it is back."""


def kept(cache: str, symbol: str, question: str, read: Callable[[], bytes]) -> bytes:
    """Return what is kept under the question, else what `read` finds in the database, which is kept then.

    `cache` is the name under which hits and misses are counted. What `read` raises is passed on and not kept.
    """
    if not settings.MARKETDATA_CACHE:
        return read()
    field = f"{cache}:{question}"
    try:
        version, value = _run(_LOOK, symbol, field, uuid.uuid4().hex, SECONDS_KEPT)
    except redis.RedisError:
        cache_requests.labels(cache, "error").inc()
        return read()
    if value is not None:
        cache_requests.labels(cache, "hit").inc()
        return bytes(value)
    cache_requests.labels(cache, "miss").inc()
    found = read()
    if version is not None and len(found) <= LARGEST:
        _try(_PUT, symbol, field, version, found, LARGEST_TOGETHER)
    return found


@contextmanager
def changing(symbol: str) -> Iterator[None]:
    """Hold what is kept of the instrument around a transaction that changes its series or feeds."""
    hold = uuid.uuid4().hex
    forget_missed()
    if not _try(_HOLD, symbol, hold, SECONDS_HELD):
        _unheld.add(symbol)
    try:
        yield
    finally:
        # At once where no transaction is open (any more), else with the caller's commit.
        if transaction.get_connection().in_atomic_block:
            transaction.on_commit(lambda: _release(symbol, hold))
        else:
            _release(symbol, hold)


def forget_missed() -> None:
    """Drop what could not be held because Redis was away."""
    for symbol in list(_unheld):
        if not _try(_RELEASE, symbol, ""):
            return
        _unheld.discard(symbol)


def _release(symbol: str, hold: str) -> None:
    if _try(_RELEASE, symbol, hold):
        _unheld.discard(symbol)


def _try(script: str, symbol: str, *values: Any) -> bool:
    try:
        _run(script, symbol, *values)
    except redis.RedisError as error:
        log.warning("market_cache_not_reached", symbol=symbol, error=str(error))
        return False
    return True


def _run(script: str, symbol: str, *values: Any) -> Any:
    key = f"{PREFIX}{{{symbol}}}"
    return get_redis_connection("default").eval(script, 2, key, f"{key}:holds", *values)
