"""Feeds of exchanges catch up, fall back, and say when they are stale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from django_redis import get_redis_connection

from apps.marketdata import breaker, selectors
from apps.marketdata.models import (
    Candle,
    Feed,
    Instrument,
)
from apps.marketdata.services import feed_update
from apps.marketdata.services.collecting import exchange_collect, feeds_collect
from apps.marketdata.services.feeds import InvalidFeed
from tests.exchange.server import Fault, LoopbackExchange

from .histories import HOUR, closes, expected_closes

pytestmark = pytest.mark.django_db(transaction=True)


def feed_of(instrument: Instrument, **values: object) -> Feed:
    start = timezone.now().replace(minute=0, second=0, microsecond=0) - 300 * HOUR
    return Feed.objects.create(
        **{"instrument": instrument, "timeframe": "1h", "source": "okx", "position": start, **values}
    )


def test_a_feed_catches_up_and_then_gets_what_is_new(
    venue: LoopbackExchange, bitcoin: Instrument, handed: list[tuple[object, ...]]
) -> None:
    feed = feed_of(bitcoin)
    start = feed.position + HOUR
    assert feeds_collect() == {"okx": 1}
    assert handed == [("marketdata.collect_from", "okx", [feed.pk])]
    now = timezone.now()
    new = exchange_collect(provider="okx", feed_ids=[feed.pk])
    feed.refresh_from_db()
    assert new in (299, 298)  # The last hour may have closed a second ago.
    assert closes(bitcoin, "okx") == expected_closes(start, start + new * HOUR)
    assert (feed.position, feed.provider, feed.last_error) == (start + (new - 1) * HOUR, "okx", "")
    assert feed.last_received_at is not None
    assert feed.last_received_at >= now
    assert exchange_collect(provider="okx", feed_ids=[feed.pk]) <= 1
    assert b'"timeframe": "1h"' in get_redis_connection("default").get(f"algotrendy:forming:{bitcoin.symbol}")


def test_while_the_source_does_not_answer_its_fallback_is_asked(
    venue: LoopbackExchange, bitcoin: Instrument, handed: list[tuple[object, ...]]
) -> None:
    feed = feed_of(bitcoin, fallbacks=["binance"])
    venue.faults.extend([Fault("status", 503)] * 5)
    for _ in range(5):
        exchange_collect(provider="okx", feed_ids=[feed.pk])
    feed.refresh_from_db()
    assert "okx does not answer" in feed.last_error
    assert breaker.state("okx").circuit == "open"
    assert feeds_collect() == {"binance": 1}
    exchange_collect(provider="binance", feed_ids=[feed.pk])
    feed.refresh_from_db()
    assert (feed.provider, feed.last_error) == ("binance", "")
    candle = Candle.objects.latest("open_time")
    assert (candle.source, candle.provider) == ("okx", "binance")


def test_where_nobody_answers_the_feed_says_so(
    venue: LoopbackExchange, bitcoin: Instrument, handed: list[tuple[object, ...]]
) -> None:
    feed = feed_of(bitcoin)
    for _ in range(5):
        breaker.failed("okx")
    assert feeds_collect() == {}
    feed.refresh_from_db()
    assert feed.last_error == "okx: no answer lately; asked again soon."


def test_a_feed_names_exchanges_that_there_are(bitcoin: Instrument) -> None:
    with pytest.raises(InvalidFeed, match="no exchange 'nowhere'"):
        feed_update(feed=Feed(instrument=bitcoin, timeframe="1h", source="nowhere"))
    with pytest.raises(InvalidFeed, match="no exchange 'nowhere'"):
        feed_update(feed=Feed(instrument=bitcoin, timeframe="1h", source="okx", fallbacks=["binance", "nowhere"]))
    feed = feed_update(feed=Feed(instrument=bitcoin, timeframe="1h", source="okx", fallbacks=["binance"]))
    assert selectors.feed_state(selectors.feeds().get(pk=feed.pk)) is selectors.FeedState.ACTIVE


def test_a_feed_is_stale_after_two_candles_and_not_over_a_weekend(apple: Instrument, bitcoin: Instrument) -> None:
    def is_stale(instrument: Instrument, position: tuple[int, ...] | None, *now: int, **values: object) -> bool:
        opened = position and datetime(2024, 3, *position, tzinfo=UTC)
        feed = Feed(instrument=instrument, timeframe="1h", source="okx", position=opened, **values)
        return selectors.feed_is_stale(feed, now=datetime(2024, 3, *now, tzinfo=UTC))

    assert not is_stale(bitcoin, (8, 12), 8, 15)  # It closed at 13:00.
    assert is_stale(bitcoin, (8, 12), 8, 15, 1)
    assert is_stale(bitcoin, None, 8, 15)
    assert not is_stale(bitcoin, None, 8, 15, enabled=False)
    assert not is_stale(apple, (8, 20), 11, 13)  # Friday's last, on Monday before the market opens
    assert not is_stale(apple, (8, 20), 11, 15)
    assert is_stale(apple, (8, 20), 11, 15, 1)  # two candles after Monday's first began


def test_a_replay_is_stale_when_nothing_has_come_for_a_quarter_of_an_hour(bitcoin: Instrument) -> None:
    now = timezone.now()
    feed = Feed(instrument=bitcoin, timeframe="1h", last_received_at=now - timedelta(minutes=15))
    assert not selectors.feed_is_stale(feed, now=now)
    assert selectors.feed_is_stale(feed, now=now + timedelta(seconds=1))
