"""What exchanges say of their markets, kept in Redis for an hour: a job a minute must not load thousands each time."""

from __future__ import annotations

import json
import time
from typing import Any

import redis
import structlog
from django_redis import get_redis_connection

SECONDS_KEPT = 3600
log = structlog.get_logger(__name__)
type Market = dict[str, Any]


class Complete:
    """Whether a client has the exchange's whole list of markets, and not only those that it was reminded of."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_fresh(self) -> bool:
        return time.monotonic() < self._until

    def note(self) -> None:
        """Note that the whole list is there now, where it was not."""
        if not self.is_fresh:
            self._until = time.monotonic() + SECONDS_KEPT


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
