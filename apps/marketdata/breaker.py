"""The circuit breaker of each exchange, shared by all processes through Redis.

Five failures within a minute open it; after half a minute one caller at a time may try; three successes close it, and a
failure opens it again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import redis
import structlog
from django_redis import get_redis_connection

FAILURES = 5
WITHIN = 60
OPEN_FOR = 30
SUCCESSES = 3
TRIAL_FOR = 30
"""Seconds that a caller has for its trial: one that is killed must not keep the others out."""
log = structlog.get_logger(__name__)


class Circuit(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerState:
    """How an exchange's breaker is, since when it is not closed, and when it lets somebody try."""

    circuit: Circuit
    failures: int = 0
    opened_at: datetime | None = None
    retry_at: datetime | None = None


_NOW = "local now = tonumber(redis.call('TIME')[1])\n"
_ALLOWS = (
    _NOW
    + """
local opened = tonumber(redis.call('HGET', KEYS[1], 'opened') or '0')
if opened == 0 then return 1 end
if now < opened + tonumber(ARGV[1]) then return 0 end
if now < tonumber(redis.call('HGET', KEYS[1], 'trial') or '0') then return 0 end
redis.call('HSET', KEYS[1], 'trial', now + tonumber(ARGV[2]))
return 1
"""
)
_SUCCEEDED = (
    _NOW
    + """
if redis.call('HEXISTS', KEYS[1], 'opened') == 0 then return 0 end
redis.call('HDEL', KEYS[1], 'trial')
if redis.call('HINCRBY', KEYS[1], 'successes', 1) >= tonumber(ARGV[1]) then
    redis.call('DEL', KEYS[1], KEYS[2])
    return 1
end
return 0
"""
)
_FAILED = (
    _NOW
    + """
if redis.call('HEXISTS', KEYS[1], 'opened') == 1 then
    if now >= tonumber(redis.call('HGET', KEYS[1], 'opened')) + tonumber(ARGV[3]) then
        redis.call('HSET', KEYS[1], 'opened', now, 'successes', 0)
        redis.call('HDEL', KEYS[1], 'trial')
    end
    return 0
end
redis.call('ZADD', KEYS[2], now, ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[2], ARGV[2])
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], 'opened', now, 'since', now, 'successes', 0)
    return 1
end
return 0
"""
)


def allows(name: str) -> bool:
    """Tell whether the exchange may be asked; a true answer of a half-open breaker is a trial, to be reported."""
    try:
        return bool(_run(_ALLOWS, name, OPEN_FOR, TRIAL_FOR))
    except redis.RedisError:
        return True


def succeeded(name: str) -> None:
    """Report an answer."""
    try:
        if _run(_SUCCEEDED, name, SUCCESSES):
            log.info("exchange_breaker_closed", exchange=name)
    except redis.RedisError:
        return


def failed(name: str) -> None:
    """Report that the exchange did not answer, or wants to be left alone."""
    try:
        if _run(_FAILED, name, FAILURES, WITHIN, OPEN_FOR, uuid.uuid4().hex):
            log.error("exchange_breaker_opened", exchange=name, seconds=OPEN_FOR)
    except redis.RedisError:
        return


def state(name: str) -> BreakerState:
    """Return how the exchange's breaker is; closed while Redis is away."""
    try:
        client = get_redis_connection("default")
        fields = {key.decode(): float(value) for key, value in client.hgetall(_key(name)).items()}
        now = float(client.time()[0])
        if "opened" not in fields:
            return BreakerState(Circuit.CLOSED, int(client.zcount(f"{_key(name)}:failures", now - WITHIN, "+inf")))
    except redis.RedisError:
        return BreakerState(Circuit.CLOSED)
    retry = fields["opened"] + OPEN_FOR
    circuit = Circuit.OPEN if now < retry else Circuit.HALF_OPEN
    return BreakerState(circuit, FAILURES, _at(fields.get("since", fields["opened"])), _at(retry))


def states(names: Iterable[str]) -> dict[str, BreakerState]:
    return {name: state(name) for name in names}


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _run(script: str, name: str, *values: object) -> int:
    return int(get_redis_connection("default").eval(script, 2, _key(name), f"{_key(name)}:failures", *values))


def _key(name: str) -> str:
    return f"algotrendy:breaker:{{{name}}}"
