"""The candle that is not finished yet: kept in Redis, told of as a price, never stored."""

from __future__ import annotations

import json

import redis
import structlog
from django.utils import timezone
from django_redis import get_redis_connection

from algotrendy.trading.candles import Bar
from apps.common.events import publish
from apps.marketdata.models import Feed
from apps.marketdata.services.arriving import figures_of

SECONDS_KEPT = 300
log = structlog.get_logger(__name__)


def forming_keep(*, feed: Feed, bar: Bar) -> None:
    """Keep a feed's unfinished candle for a while, and tell its close as the newest price."""
    figures = {
        **figures_of(bar),
        "timeframe": bar.timeframe.value,
        "source": feed.source,
        "at": timezone.now().isoformat(),
    }
    try:
        get_redis_connection("default").set(forming_key(feed.instrument_id), json.dumps(figures), ex=SECONDS_KEPT)
    except redis.RedisError as error:
        log.warning("forming_candle_not_kept", feed=str(feed), error=str(error))
    publish("ticker", {"symbol": bar.symbol, "price": figures["close"], **{name: figures[name] for name in _TOLD}})


def forming_key(instrument_id: int) -> str:
    return f"algotrendy:forming:{instrument_id}"


_TOLD = ("timeframe", "source", "at")
