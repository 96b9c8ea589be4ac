"""The candle of an instrument that is not finished yet, as its feed told of it last: in Redis, never stored."""

from __future__ import annotations

import json

import redis
import structlog
from django_redis import get_redis_connection

PREFIX = "algotrendy:forming:"
SECONDS_KEPT = 300
log = structlog.get_logger(__name__)


def keep(symbol: str, figures: dict[str, str]) -> None:
    """Keep the figures for a while in place of those before; without Redis they are lost, and nothing else is."""
    try:
        get_redis_connection("default").set(PREFIX + symbol, json.dumps(figures), ex=SECONDS_KEPT)
    except redis.RedisError as error:
        log.warning("forming_candle_not_kept", symbol=symbol, error=str(error))


def read(symbol: str) -> dict[str, str] | None:
    """Return what was kept last; None where nothing was for a while, or where Redis is away."""
    try:
        text = get_redis_connection("default").get(PREFIX + symbol)
    except redis.RedisError:
        return None
    figures: dict[str, str] | None = json.loads(text) if text else None
    return figures
