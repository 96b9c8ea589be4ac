"""What exchanges say of their markets, kept in Redis for an hour: a job a minute must not load thousands each time."""

from __future__ import annotations

import json
from typing import Any

import redis
import structlog
from django_redis import get_redis_connection

SECONDS_KEPT = 3600
log = structlog.get_logger(__name__)
type Market = dict[str, Any]


def recall(exchange_id: str, symbols: list[str]) -> dict[str, Market] | None:
    """Return the markets of all these symbols; None unless each is kept."""
    try:
        kept = get_redis_connection("default").hmget(_key(exchange_id), symbols) if symbols else []
    except redis.RedisError:
        return None
    if not all(kept):
        return None
    return {symbol: json.loads(text) for symbol, text in zip(symbols, kept, strict=True)}


def remember(exchange_id: str, markets: dict[str, Market]) -> None:
    """Keep these markets; without Redis they are asked for again."""
    if not markets:
        return
    try:
        pipe = get_redis_connection("default").pipeline()
        kept = {name: json.dumps(market, default=str) for name, market in markets.items()}
        pipe.hset(_key(exchange_id), mapping=kept)
        pipe.expire(_key(exchange_id), SECONDS_KEPT)
        pipe.execute()
    except redis.RedisError as error:
        log.warning("markets_not_kept", exchange=exchange_id, error=str(error))


def _key(exchange_id: str) -> str:
    return f"algotrendy:markets:{exchange_id}"
