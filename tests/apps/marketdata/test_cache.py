"""The latest candle is read from Redis, and never older than what is committed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import redis
from django_redis import get_redis_connection
from prometheus_client import REGISTRY
from pytest_django import DjangoAssertNumQueries

from apps.marketdata import cache, selectors, services
from apps.marketdata.models import Candle, Feed, Instrument
from apps.marketdata.selectors import latest
from tests.builders import make_feed, make_instrument

from .bars import MONDAY, make_bar

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def instrument() -> Iterator[Instrument]:
    yield make_instrument()
    cache._unheld.clear()


@pytest.fixture
def feed(instrument: Instrument) -> Feed:
    return make_feed(instrument)


def _count(result: str) -> float:
    return REGISTRY.get_sample_value("cache_requests_total", {"cache": "latest_candle", "result": result}) or 0.0


def _latest_hour(instrument: Instrument) -> float | None:
    candle = selectors.latest_candle(instrument)
    return None if candle is None else (candle.open_time - MONDAY).total_seconds() / 3600


def test_the_second_reading_asks_no_database_and_gives_the_same_candle(
    instrument: Instrument, feed: Feed, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    services.candle_arrived(feed=feed, bar=make_bar(0))
    misses, hits = _count("miss"), _count("hit")
    read = selectors.latest_candle(instrument)
    with django_assert_num_queries(0):
        cached = selectors.latest_candle(instrument)
        assert cached is not None
        assert cached.instrument.symbol == "BTC/USD"
    assert read is not None
    fields = [field.attname for field in Candle._meta.concrete_fields]
    assert [getattr(cached, name) for name in fields] == [getattr(read, name) for name in fields]
    assert (_count("miss") - misses, _count("hit") - hits) == (1, 1)


def test_nothing_there_is_remembered_too(
    instrument: Instrument, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert selectors.latest_candle(instrument) is None
    with django_assert_num_queries(0):
        assert selectors.latest_candle(instrument) is None


def test_each_arrival_is_seen_at_once(instrument: Instrument, feed: Feed) -> None:
    for hour in range(5):
        services.candle_arrived(feed=feed, bar=make_bar(hour))
        assert (_latest_hour(instrument), _latest_hour(instrument)) == (hour, hour)


def test_a_corrected_candle_is_seen_at_once(instrument: Instrument) -> None:
    for volume in (7, 8):
        services.candles_store(
            instrument=instrument, timeframe="1h", source="csv", bars=[make_bar(0, volume=Decimal(volume))]
        )
        for _ in range(2):
            candle = selectors.latest_candle(instrument)
            assert candle is not None
            assert candle.volume == volume


def test_a_reader_between_two_writers_keeps_nothing_old(instrument: Instrument, feed: Feed) -> None:
    """The first writer is done while the second is still at work: what is read then must not outlive the second."""
    services.candle_arrived(feed=feed, bar=make_bar(0))
    with cache.changing(instrument.symbol):
        with cache.changing(instrument.symbol):
            pass
        assert _latest_hour(instrument) == 0
        Candle.objects.create(instrument=instrument, timeframe="1h", source="replay", **_figures(1))
    assert _latest_hour(instrument) == 1


def test_a_slow_reader_does_not_bring_the_old_candle_back(instrument: Instrument, feed: Feed) -> None:
    services.candle_arrived(feed=feed, bar=make_bar(0))

    def slow_read() -> bytes:
        old = latest._dump(latest._latest_stored(instrument))
        services.candle_arrived(feed=feed, bar=make_bar(1))
        return old

    late = cache.kept("latest_candle", instrument.symbol, "", slow_read)
    assert MONDAY.isoformat().encode() in late  # It asked before the new candle came.
    assert _latest_hour(instrument) == 1


def test_a_writer_that_dies_after_its_commit_leaves_nothing_old(instrument: Instrument, feed: Feed) -> None:
    services.candle_arrived(feed=feed, bar=make_bar(0))
    assert _latest_hour(instrument) == 0
    writer = cache.changing(instrument.symbol)
    writer.__enter__()
    Candle.objects.create(instrument=instrument, timeframe="1h", source="replay", **_figures(1))
    assert _latest_hour(instrument) == 1  # without the writer's release
    (holds,) = get_redis_connection("default").keys("algotrendy:market:*:holds")
    assert cache.SECONDS_KEPT < get_redis_connection("default").ttl(holds) <= cache.SECONDS_HELD


def test_without_redis_the_database_answers_and_what_changed_meanwhile_is_dropped(
    instrument: Instrument, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.candle_arrived(feed=feed, bar=make_bar(0))
    assert _latest_hour(instrument) == 0  # and cached
    errors = _count("error")
    with monkeypatch.context() as away:
        away.setattr(cache, "get_redis_connection", _refused)
        services.candle_arrived(feed=feed, bar=make_bar(1))
        assert _latest_hour(instrument) == 1
    assert _count("error") == errors + 1
    cache.forget_missed()  # as the feed's process does twice a second
    assert _latest_hour(instrument) == 1


def test_the_feeds_series_counts_and_not_its_future(instrument: Instrument) -> None:
    services.candles_store(
        instrument=instrument, timeframe="1h", source="csv", bars=[make_bar(hour) for hour in range(10)]
    )
    assert _latest_hour(instrument) == 9
    feed = services.feed_ensure(instrument=instrument, timeframe="1h")
    assert _latest_hour(instrument) is None
    services.candle_arrived(feed=feed, bar=make_bar(0))
    assert _latest_hour(instrument) == 0
    services.feed_update(feed=feed, enabled=False)
    assert _latest_hour(instrument) == 9


def _figures(hour: int) -> dict[str, Any]:
    bar = make_bar(hour)
    return {name: getattr(bar, name) for name in ("open_time", *selectors.PRICES)}


def _refused(alias: str) -> Any:
    raise redis.ConnectionError("away")


def test_a_feed_says_what_it_is_doing(instrument: Instrument) -> None:
    def state(**changes: object) -> str:
        Feed.objects.filter(pk=feed.pk).update(**changes)
        return selectors.feed_state(selectors.feeds().get(pk=feed.pk)).value

    feed = make_feed(instrument)
    assert state() == "empty"
    services.candles_store(instrument=instrument, timeframe="1h", source="csv", bars=[make_bar(0), make_bar(1)])
    assert state() == "active"
    assert state(position=MONDAY) == "active"
    assert state(position=MONDAY + timedelta(hours=1)) == "finished"
    assert state(last_error="away") == "failed"
    assert state(enabled=False) == "disabled"
