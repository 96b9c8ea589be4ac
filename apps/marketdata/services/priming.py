"""Giving a replay feed its past: what its strategies would have seen before the first candle that it sends."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.marketdata.models import Feed
from apps.marketdata.selectors import bars
from apps.marketdata.services.candles import candles_store
from apps.marketdata.services.feeds import feed_update


@transaction.atomic
def feed_prime(*, feed: Feed, until: datetime) -> Feed:
    """Store the origin's candles that opened before a time as the feed's own, and let it send from there on."""
    history = list(
        bars(instrument=feed.instrument, timeframe=feed.timeframe, source=feed.origin, start=None, end=until)
    )
    candles_store(instrument=feed.instrument, timeframe=feed.timeframe, source=feed.source, bars=history)
    return feed_update(feed=feed, position=history[-1].open_time) if history else feed
