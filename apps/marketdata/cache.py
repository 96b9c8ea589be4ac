"""The latest candle of each instrument, kept in Redis and never older than what is committed.

- A writer notes its hold before its transaction, which drops the cached candle, and takes the hold away after the
  commit. While there is a hold, readers go to the database.
- A reader that finds nothing leaves a lease, reads the database, and puts the candle there only while its lease stands:
  a hold ends it.

So no value can be read after the commit that made it old, also when the writer is killed in between: a hold that is
left behind outlives every value. Without Redis everything is read from the database.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import redis
import structlog
from django.db import transaction
from django_redis import get_redis_connection

from apps.common.metrics import cache_requests

from .models import Candle, Instrument

CACHE = "latest_candle"
SECONDS_KEPT = 60
SECONDS_HELD = 90
SECONDS_LEASED = 5
NOTHING = b"none"
_EXACT = ("open", "high", "low", "close", "volume", "quote_volume")
_TIMES = ("open_time", "received_at")
_PLAIN = ("id", "timeframe", "source", "trade_count")

_HOLDS = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local held = redis.call('ZCARD', KEYS[2]) > 0
"""
_LOOK = (
    _HOLDS
    + """
if held then return 'hold:' end
local kept = redis.call('GET', KEYS[1])
if kept then return kept end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
"""
)
_PUT = (
    _HOLDS
    + """
if not held and redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
"""
)
_HOLD = (
    _HOLDS
    + """
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
"""
)
_RELEASE = "redis.call('ZREM', KEYS[2], ARGV[1]) redis.call('DEL', KEYS[1])"

log = structlog.get_logger(__name__)
_unheld: set[int] = set()
"""Instruments that changed while Redis was away; their candles are dropped as soon as it is back."""


def latest_candle(instrument: Instrument, read: Callable[[Instrument], Candle | None]) -> Candle | None:
    """Return the cached candle, or what `read` finds in the database."""
    lease = b"lease:" + uuid.uuid4().hex.encode()
    try:
        kept = _run(_LOOK, instrument.pk, lease, SECONDS_LEASED)
    except redis.RedisError:
        cache_requests.labels(CACHE, "error").inc()
        return read(instrument)
    if not kept.startswith((b"lease:", b"hold:")):
        cache_requests.labels(CACHE, "hit").inc()
        return _load(instrument, kept)
    cache_requests.labels(CACHE, "miss").inc()
    candle = read(instrument)
    if kept == lease:
        _try(_PUT, instrument.pk, lease, _dump(candle), SECONDS_KEPT)
    return candle


@contextmanager
def changing(instrument_id: int) -> Iterator[None]:
    """Hold the instrument's candle around a transaction that changes its series or feeds."""
    hold = uuid.uuid4().hex
    forget_missed()
    if not _try(_HOLD, instrument_id, hold, SECONDS_HELD):
        _unheld.add(instrument_id)
    try:
        yield
    finally:
        # At once where no transaction is open (any more), else with the caller's commit.
        if transaction.get_connection().in_atomic_block:
            transaction.on_commit(lambda: _release(instrument_id, hold))
        else:
            _release(instrument_id, hold)


def forget_missed() -> None:
    """Drop what could not be held because Redis was away."""
    for instrument_id in list(_unheld):
        if not _try(_RELEASE, instrument_id, ""):
            return
        _unheld.discard(instrument_id)


def _release(instrument_id: int, hold: str) -> None:
    if _try(_RELEASE, instrument_id, hold):
        _unheld.discard(instrument_id)


def _try(script: str, instrument_id: int, *values: Any) -> bool:
    try:
        _run(script, instrument_id, *values)
    except redis.RedisError as error:
        log.warning("cache_not_reached", cache=CACHE, instrument=instrument_id, error=str(error))
        return False
    return True


def _run(script: str, instrument_id: int, *values: Any) -> Any:
    key = f"algotrendy:{CACHE}:{{{instrument_id}}}"
    return get_redis_connection("default").eval(script, 2, key, f"{key}:holds", *values)


def _dump(candle: Candle | None) -> bytes:
    if candle is None:
        return NOTHING
    values = {name: getattr(candle, name) for name in _PLAIN}
    values |= {name: None if (value := getattr(candle, name)) is None else str(value) for name in _EXACT}
    values |= {name: getattr(candle, name).isoformat() for name in _TIMES}
    return json.dumps(values).encode()


def _load(instrument: Instrument, kept: bytes) -> Candle | None:
    if kept == NOTHING:
        return None
    values = json.loads(kept)
    values |= {name: None if values[name] is None else Decimal(values[name]) for name in _EXACT}
    values |= {name: datetime.fromisoformat(values[name]) for name in _TIMES}
    candle = Candle(instrument=instrument, **values)
    candle._state.adding, candle._state.db = False, "default"
    return candle
