"""Ask exchanges for the newest candles of their feeds, and those behind them for what they do not answer."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import connection
from django.utils import timezone

from algotrendy.trading.errors import TradingError
from algotrendy.trading.values import Timeframe
from apps.common.jobs import enqueue
from apps.marketdata import breaker, metrics
from apps.marketdata.models import Feed, Source
from apps.marketdata.services.arriving import candles_arrived
from apps.marketdata.services.asking import exchange_opened, page_asked
from apps.marketdata.services.feeds import feed_failed
from apps.marketdata.services.forming import forming_keep
from apps.marketdata.sources.exchanges import Exchange, Page

log = structlog.get_logger(__name__)
LOCK_SPACE = 0xFEED
SECONDS = 45.0
FIRST = 500
"""Candles that a feed begins with: what a strategy wants to see before it trades."""
TASK = "marketdata.collect_from"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a feed was answered."""

    feed: Feed
    page: Page | None
    error: TradingError | None


def feeds_collect() -> dict[str, int]:
    """Share the enabled feeds of exchanges out, to a task for each exchange; return how many each has.

    A feed goes to its source, or while that one's breaker is open to the first of its fallbacks that may be asked.
    """
    shares: dict[str, list[int]] = defaultdict(list)
    feeds = Feed.objects.filter(enabled=True).exclude(source=Source.REPLAY)
    allowed: dict[str, bool] = {}
    for feed in feeds.order_by("pk"):
        for provider in feed.providers:
            if provider not in allowed:
                allowed[provider] = breaker.allows(provider)
            if allowed[provider]:
                shares[provider].append(feed.pk)
                break
        else:
            feed_failed(feed_id=feed.pk, message=f"{', '.join(feed.providers)}: no answer lately; asked again soon.")
    for provider, ids in shares.items():
        enqueue(TASK, provider, ids, expires=55)
    return {provider: len(ids) for provider, ids in shares.items()}


def exchange_collect(*, provider: str, feed_ids: Iterable[int], seconds: float = SECONDS) -> int:
    """Bring these feeds up to date from one exchange; return how many candles are new.

    One process at a time asks an exchange. A feed that is behind is asked for page after page; what is not done in time
    goes on at the next call.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [LOCK_SPACE, provider])
        if not cursor.fetchone()[0]:
            return 0
    try:
        feeds = Feed.objects.filter(pk__in=list(feed_ids), enabled=True).select_related("instrument")
        return _collect(provider, list(feeds), time.monotonic() + seconds)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [LOCK_SPACE, provider])


def _collect(provider: str, feeds: list[Feed], deadline: float) -> int:
    new = 0
    with exchange_opened(provider) as (runner, exchange):
        while feeds and time.monotonic() < deadline:
            outcomes = runner.run(_ask_all(exchange, feeds))
            new += sum(_take(provider, outcome) for outcome in outcomes)
            feeds = [outcome.feed for outcome in outcomes if _is_behind(outcome)]
    return new


async def _ask_all(exchange: Exchange, feeds: list[Feed]) -> list[Outcome]:
    return list(await asyncio.gather(*(_ask(exchange, feed) for feed in feeds)))


async def _ask(exchange: Exchange, feed: Feed) -> Outcome:
    start = None if feed.position is None else feed.position + Timeframe(feed.timeframe).duration
    try:
        return Outcome(feed, await page_asked(exchange, feed, start=start, limit=None if start else FIRST), None)
    except TradingError as error:
        return Outcome(feed, None, error)


def _take(provider: str, outcome: Outcome) -> int:
    """Store what came for a feed, or note why nothing did; return how many candles are new."""
    feed, page = outcome.feed, outcome.page
    if page is None:
        _note(provider, feed, outcome.error)
        return 0
    try:
        new = candles_arrived(feed=feed, bars=page.bars, provider=provider)
    except TradingError as error:
        _note(provider, feed, error)
        return 0
    if page.forming is not None:
        forming_keep(feed=feed, bar=page.forming)
    if feed.last_error:
        Feed.objects.filter(pk=feed.pk).update(last_error="")
    metrics.CANDLES_COLLECTED.labels(provider).inc(new)
    return new


def _note(provider: str, feed: Feed, error: TradingError | None) -> None:
    if error is None:
        return
    metrics.FEED_FAILURES.labels(provider, error.code).inc()
    log.warning("feed_got_nothing", feed=str(feed), provider=provider, code=error.code, error=error.message)
    feed_failed(feed_id=feed.pk, message=error.message)


def _is_behind(outcome: Outcome) -> bool:
    """Tell whether a feed has more to fetch: its page ended before now."""
    page, feed = outcome.page, outcome.feed
    if page is None or page.forming is not None or not page.bars:
        return False
    frame = Timeframe(feed.timeframe)
    newest: datetime = page.bars[-1].open_time
    return newest < frame.floor(timezone.now()) - frame.duration
