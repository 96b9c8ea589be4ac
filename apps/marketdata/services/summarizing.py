"""Telling the streams how the market stands."""

from __future__ import annotations

import json

import redis
from django_redis import get_redis_connection

from apps.common.events import publish
from apps.marketdata.selectors.summary import market_summary

KEY = "algotrendy:summary"
SECONDS_KEPT = 300


def market_summarize() -> bool:
    """Publish the summary where it is not the one that was published last; return whether it was."""
    summary = market_summary()
    text = json.dumps(summary).encode()
    try:
        before = get_redis_connection("default").set(KEY, text, ex=SECONDS_KEPT, get=True)
    except redis.RedisError:
        return False  # There is nobody to tell.
    if before == text:
        return False
    publish("summary", summary)
    return True
