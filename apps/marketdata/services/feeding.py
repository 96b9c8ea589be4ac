"""The market feed: brings each feed's candles in as they fall due, for as long as it is not told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis
import structlog
from django.db import DatabaseError, connection

from algotrendy.trading.errors import TradingError
from apps.marketdata import cache, selectors
from apps.marketdata.models import Feed, Source
from apps.marketdata.services.arriving import candle_arrived
from apps.marketdata.services.feeds import feed_failed
from apps.marketdata.sources.base import Arrival, FeedSource
from apps.marketdata.sources.replay import ReplaySource

LOCK_KEY = 0x46454544
"""Of the advisory lock that lets one process at a time bring candles in."""
FOLLOW_EVERY = 0.5
SLICE = 0.1
LONGEST_PAUSE = 2.0
log = structlog.get_logger(__name__)


class MarketFeed:
    """Follows the enabled feeds, stores each candle that is due, and starts over when an engine was away.

    The feed's position moves in the candle's own transaction: after any failure, and after a kill, it goes on from the
    positions in the database, so no candle is lost or doubled.
    """

    def __init__(
        self,
        *,
        source: FeedSource | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source = source or ReplaySource()
        self._clock, self._sleep = clock, sleep
        self._is_stopping = self._is_locked = self._was_locked_out = False
        self._followed_at: float | None = None
        self._failures = 0
        self._paused_feeds: dict[int, float] = {}
        self._ended: set[int] = set()

    def stop(self) -> None:
        """Ask the loop to end; safe in a signal handler."""
        self._is_stopping = True

    def run(self) -> None:
        """Bring candles in until `stop` is called."""
        log.info("market_feed_started")
        while not self._is_stopping:
            self._pause(self.step())
        if self._is_locked:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])
        log.info("market_feed_stopped")

    def step(self) -> float:
        """Do what is due and return the seconds until there may be more to do; never raise."""
        try:
            pause = self._step()
            self._failures = 0
            return pause
        except Exception as error:  # also a subscriber's: the candle is stored, and its row says so
            self._failures += 1
            # An engine that is away is expected and said in a line; anything else is shown with its traceback.
            is_away = isinstance(error, DatabaseError | redis.RedisError | OSError)
            log.error("market_feed_interrupted", error=str(error).strip(), exc_info=not is_away)
            self._start_over()
            return float(min(0.1 * 2**self._failures, LONGEST_PAUSE))

    def _step(self) -> float:
        if not self._is_locked and not self._lock():
            return 1.0
        now = self._clock()
        if self._followed_at is None or now - self._followed_at >= FOLLOW_EVERY:
            self._follow(now)
        arrival = self._source.due(now)
        if arrival is None:
            left = self._source.seconds_left(now)
            return FOLLOW_EVERY if left is None else min(left, FOLLOW_EVERY)
        self._bring(arrival, now)
        return 0.0

    def _bring(self, arrival: Arrival, now: float) -> None:
        try:
            is_new = candle_arrived(feed=arrival.feed, bar=arrival.bar)
        except TradingError as error:
            log.error("feed_failed", feed=str(arrival.feed), time=arrival.bar.open_time, error=error.message)
            feed_failed(feed_id=arrival.feed.pk, message=f"{arrival.bar.open_time:%Y-%m-%d %H:%M}: {error.message}")
            self._paused_feeds[arrival.feed.pk] = now + 5
            self._followed_at = None
            return
        log.debug("candle_arrived", feed=str(arrival.feed), time=arrival.bar.open_time, is_new=is_new)
        self._source.sent(arrival)

    def _follow(self, now: float) -> None:
        self._followed_at = now
        cache.forget_missed()
        self._paused_feeds = {pk: until for pk, until in self._paused_feeds.items() if until > now}
        feeds = Feed.objects.filter(enabled=True, source=Source.REPLAY).exclude(pk__in=self._paused_feeds)
        rows = list(feeds.select_related("instrument").order_by("pk"))
        self._source.follow(rows)
        self._tell_ends(rows)

    def _tell_ends(self, feeds: list[Feed]) -> None:
        """Log, once each time, that a feed has sent everything there is."""
        states = {
            row.pk: selectors.feed_state(row) for row in selectors.feeds().filter(pk__in=[feed.pk for feed in feeds])
        }
        ended = {
            pk for pk, state in states.items() if state in (selectors.FeedState.FINISHED, selectors.FeedState.EMPTY)
        }
        for feed in feeds:
            if feed.pk in ended - self._ended:
                log.info("feed_finished", feed=str(feed), position=feed.position, state=states[feed.pk].value)
        self._ended = ended

    def _lock(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])
            (self._is_locked,) = cursor.fetchone()
        if not self._is_locked and not self._was_locked_out:
            log.warning("market_feed_waits", reason="another process brings the candles in")
        self._was_locked_out = not self._is_locked
        return self._is_locked

    def _start_over(self) -> None:
        self._source.forget()
        self._followed_at, self._is_locked = None, False
        connection.close()

    def _pause(self, seconds: float) -> None:
        """Wait in slices, for a signal handler can only set a flag."""
        until = self._clock() + seconds
        while not self._is_stopping and (left := until - self._clock()) > 0:
            self._sleep(min(left, SLICE))
