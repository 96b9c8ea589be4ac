"""How often an exchange is asked: one pace for all processes behind this address, kept in Redis.

Each request takes the next free moment of the exchange's line (the generic cell rate algorithm, with room for a few at
once) and sleeps until then. An exchange that says it has had enough shuts the line for everybody.
"""

from __future__ import annotations

import asyncio
import time

import redis
import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django_redis import get_redis_connection

from apps.marketdata import metrics

BURST = 5
"""Requests that may be sent at once after a pause."""
LONGEST_BAN = 3600.0
log = structlog.get_logger(__name__)
_own: dict[str, float] = {}
"""The next free moments by this process alone, while Redis is away."""

_TURN = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local step, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local free = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now - step * (burst - 1))
local banned = tonumber(redis.call('GET', KEYS[2]) or '0')
free = math.max(free, banned)
local kept = math.ceil(math.max(free - now, 0) + step * burst + 60000)
redis.call('SET', KEYS[1], string.format('%.3f', free + step), 'PX', kept)
return string.format('%.3f', math.max(free - now, 0))
"""
_BAN = """
local time = redis.call('TIME')
local until_ = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000 + tonumber(ARGV[1])
if until_ > tonumber(redis.call('GET', KEYS[1]) or '0') then
    redis.call('SET', KEYS[1], string.format('%.3f', until_), 'PX', math.ceil(tonumber(ARGV[1])))
end
"""


async def acquire(exchange_id: str, *, milliseconds: float) -> None:
    """Wait for the turn of a request to the exchange, which takes one every so many milliseconds."""
    step = settings.EXCHANGE_RATE_LIMITS.get(exchange_id, milliseconds)
    wait = await sync_to_async(_turn, thread_sensitive=False)(exchange_id, step) / 1000
    metrics.EXCHANGE_WAIT.labels(exchange_id).observe(wait)
    if wait > 0:
        await asyncio.sleep(wait)


class LineTooLong(Exception):
    """The turn comes later than the asker can wait; nothing was asked."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The next turn is {seconds:.1f} s away.")
        self.seconds = seconds


def acquire_within(exchange_id: str, *, milliseconds: float, seconds: float) -> None:
    """Wait for a turn as `acquire` does, in a thread, but no longer than so many seconds; raise LineTooLong."""
    banned = banned_for(exchange_id)
    if banned > seconds:
        raise LineTooLong(banned)
    wait = _turn(exchange_id, settings.EXCHANGE_RATE_LIMITS.get(exchange_id, milliseconds)) / 1000
    metrics.EXCHANGE_WAIT.labels(exchange_id).observe(wait)
    if wait > seconds:
        raise LineTooLong(wait)
    if wait > 0:
        time.sleep(wait)


def ban(exchange_id: str, seconds: float) -> None:
    """Let nobody ask the exchange for a while, in any process."""
    span = min(seconds, LONGEST_BAN)
    _own[exchange_id] = max(_own.get(exchange_id, 0.0), time.monotonic() * 1000 + span * 1000)
    try:
        get_redis_connection("default").eval(_BAN, 1, f"{_key(exchange_id)}:banned", span * 1000)
    except redis.RedisError as error:
        log.warning("exchange_ban_not_shared", exchange=exchange_id, error=str(error))


def banned_for(exchange_id: str) -> float:
    """Return for how many seconds the exchange wants to be left alone."""
    try:
        left = float(get_redis_connection("default").pttl(f"{_key(exchange_id)}:banned"))
    except redis.RedisError:
        return max(0.0, _own.get(exchange_id, 0.0) / 1000 - time.monotonic())
    return max(0.0, left / 1000)


def _turn(exchange_id: str, step: float) -> float:
    """Take a turn; return the milliseconds until it comes."""
    key = _key(exchange_id)
    try:
        return float(get_redis_connection("default").eval(_TURN, 2, key, f"{key}:banned", step, BURST))
    except redis.RedisError as error:
        log.warning("exchange_limiter_alone", exchange=exchange_id, error=str(error))
        now = time.monotonic() * 1000
        free = max(_own.get(exchange_id, 0.0), now)
        _own[exchange_id] = free + step
        return free - now


def _key(exchange_id: str) -> str:
    return f"algotrendy:exchange:{{{exchange_id}}}"
