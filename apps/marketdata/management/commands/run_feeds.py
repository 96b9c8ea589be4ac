"""`manage.py run_feeds`: the process that brings candles in."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import InterfaceError, OperationalError, connections

from algotrendy.trading.errors import InvalidCandle
from apps.marketdata.models import Feed, Source
from apps.marketdata.services import candle_arrived, feed_failed
from apps.marketdata.sources.replay import Due, ReplayClock

log = structlog.get_logger(__name__)
IDLE = 1.0


class Command(BaseCommand):
    help = (
        "Run the market feeds that are enabled, until it is told to stop. What is changed in the console (enabled, "
        "speed) takes effect within a second."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        log.info("feeds_started")
        clock = ReplayClock()
        while not stop.is_set():
            try:
                _step(clock, stop)
            except (OperationalError, InterfaceError) as error:
                # The candle's transaction did not commit, so the feed is where it was.
                log.warning("database_away", error=str(error).splitlines()[0])
                connections.close_all()
                stop.wait(IDLE)
        log.info("feeds_stopped")


def _step(clock: ReplayClock, stop: threading.Event) -> None:
    """Send the next candle when it is due; look again where a feed was changed meanwhile."""
    feeds = _feeds()
    due = clock.next(feeds)
    if due is None:
        stop.wait(IDLE)
        return
    deadline = time.monotonic() + due.wait
    while not stop.is_set() and (left := deadline - time.monotonic()) > 0:
        stop.wait(min(left, IDLE))
        if left > IDLE and _changed(due):
            return
    if not stop.is_set():
        _send(clock, due)


def _send(clock: ReplayClock, due: Due) -> None:
    try:
        candle_arrived(feed=due.feed, bar=due.bar)
        clock.sent(due.bar)
    except InvalidCandle as error:
        message = f"{due.bar.open_time:%Y-%m-%d %H:%M}: {error.message}; correct the candle and enable the feed again."
        log.error("feed_failed", feed=str(due.feed), error=message)
        feed_failed(feed_id=due.feed.pk, message=message)


def _feeds() -> list[Feed]:
    feeds = Feed.objects.filter(enabled=True, source=Source.REPLAY, last_error="").select_related("instrument")
    return list(feeds.order_by("pk"))


def _changed(due: Due) -> bool:
    now = Feed.objects.filter(pk=due.feed.pk).values_list("enabled", "speed", "origin", "position").first()
    return now != (due.feed.enabled, due.feed.speed, due.feed.origin, due.feed.position)
