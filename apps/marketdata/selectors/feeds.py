"""What the feeds are doing."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Exists, OuterRef, QuerySet

from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Candle, Feed

from .sessions import next_expected

STALE_AFTER = 2
"""Candles after whose length the newest one is too old."""
REPLAY_SILENT_AFTER = timedelta(minutes=15)


class FeedState(StrEnum):
    """What a feed is doing, read from its row and, of a replay, its origin's candles."""

    DISABLED = "disabled"
    FAILED = "failed"
    EMPTY = "empty"  # nothing is stored that it could send
    FINISHED = "finished"  # everything that is stored was sent
    ACTIVE = "active"  # candles are left to send


def feeds() -> QuerySet[Feed]:
    """Return the feeds with their instrument and `has_origin` and `has_later`, from which `feed_state` reads."""
    origin = Candle.objects.filter(
        instrument=OuterRef("instrument"), timeframe=OuterRef("timeframe"), source=OuterRef("origin")
    )
    return Feed.objects.select_related("instrument").annotate(
        has_origin=Exists(origin), has_later=Exists(origin.filter(open_time__gt=OuterRef("position")))
    )


def feed_state(feed: Feed) -> FeedState:
    """Say what a feed of `feeds()` is doing."""
    if not feed.enabled:
        return FeedState.DISABLED
    if feed.last_error:
        return FeedState.FAILED
    if not feed.is_replay:
        return FeedState.ACTIVE
    if not feed.has_origin:  # type: ignore[attr-defined]
        return FeedState.EMPTY
    if feed.position is not None and not feed.has_later:  # type: ignore[attr-defined]
        return FeedState.FINISHED
    return FeedState.ACTIVE


def feed_is_stale(feed: Feed, *, now: datetime) -> bool:
    """Tell whether an enabled feed's data is too old to trade on.

    Of an exchange: the newest candle closed more than two candles ago, the market's closed hours apart. Of a replay,
    which has no clock of its own: nothing has come for a quarter of an hour.
    """
    if not feed.enabled:
        return False
    if feed.is_replay:
        age = feed_age(feed, now=now)
        return age is not None and age > REPLAY_SILENT_AFTER
    if feed.position is None:
        return True
    frame = Timeframe(feed.timeframe)
    following = next_expected(instrument=feed.instrument, timeframe=frame, after=feed.position, until=now)
    return following is not None and now > following + STALE_AFTER * frame.duration


def feed_age(feed: Feed, *, now: datetime) -> timedelta | None:
    """Return how long ago the feed's last candle arrived; None where none did."""
    return None if feed.last_received_at is None else now - feed.last_received_at
