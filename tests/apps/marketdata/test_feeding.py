"""The market feed brings every candle in once and in order, whatever fails meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection, connections

from apps.common import events
from apps.marketdata import services
from apps.marketdata.models import Candle, Feed
from apps.marketdata.services import feeding
from apps.marketdata.services.feeding import MarketFeed
from tests.builders import make_feed, make_instrument

from .bars import make_bar

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]
COUNT = 40


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1e-3)


@pytest.fixture
def feed() -> Feed:
    instrument = make_instrument()
    bars = [make_bar(hour) for hour in range(COUNT)]
    services.candles_store(instrument=instrument, timeframe="1h", source="csv", bars=bars)
    return make_feed(instrument, speed=3600)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The open times that were told of, in order."""
    times: list[str] = []
    monkeypatch.setitem(events._handlers, "candles", [lambda data: times.append(str(data["time"]))])
    return times


@pytest.fixture
def market() -> Iterator[MarketFeed]:
    clock = Clock()
    yield MarketFeed(clock=clock, sleep=clock.sleep)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


def _run(market: MarketFeed, seconds: float) -> None:
    """Run for so many seconds of the feed's own clock."""
    clock: Any = market._clock
    until = clock.now + seconds
    while clock.now < until:
        pause = market.step()
        clock.sleep(min(pause, 0.25))


def _sent() -> list[Any]:
    return list(Candle.objects.filter(source="replay").order_by("id").values_list("open_time", flat=True))


def _expected(count: int) -> list[Any]:
    return [make_bar(hour).open_time for hour in range(count)]


def test_all_candles_come_in_order_and_the_feed_finishes(feed: Feed, market: MarketFeed, heard: list[str]) -> None:
    _run(market, COUNT + 5)
    assert _sent() == _expected(COUNT)
    assert heard == [time.isoformat() for time in _expected(COUNT)]
    feed.refresh_from_db()
    assert feed.position == _expected(COUNT)[-1]
    assert feed.last_error == ""


def test_edits_in_the_admin_work_within_a_second(feed: Feed, market: MarketFeed) -> None:
    _run(market, 5.5)
    assert len(_sent()) == 5
    Feed.objects.filter(pk=feed.pk).update(enabled=False)
    _run(market, 1)
    stopped_at = len(_sent())
    assert stopped_at <= 6
    _run(market, 5)
    assert len(_sent()) == stopped_at
    Feed.objects.filter(pk=feed.pk).update(enabled=True, speed=36_000)
    _run(market, 3)
    assert len(_sent()) >= stopped_at + 18


@pytest.mark.parametrize("at", ["before", "after"])
def test_a_server_that_goes_away_costs_and_doubles_nothing(
    feed: Feed, market: MarketFeed, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Every fifth candle fails: before its transaction, or after the commit, when the answer did not arrive."""
    calls = 0

    def flaky(**arguments: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls % 5 == 0 and at == "before":
            raise OperationalError("the connection is lost")
        is_new = services.candle_arrived(**arguments)
        if calls % 5 == 0:
            raise OperationalError("the connection is lost")
        return is_new

    monkeypatch.setattr(feeding, "candle_arrived", flaky)
    _run(market, COUNT + 15)
    assert calls >= COUNT  # so that at least eight have failed
    assert _sent() == _expected(COUNT)


def test_a_subscriber_that_fails_stops_nothing(feed: Feed, market: MarketFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(data: dict[str, Any]) -> None:
        raise ValueError("a fault of its own")

    monkeypatch.setitem(events._handlers, "candles", [fail])
    _run(market, 25)
    assert len(_sent()) >= 8
    assert _sent() == _expected(len(_sent()))


def test_a_candle_that_cannot_be_taken_is_told_on_the_feed_and_holds_up_no_other(
    feed: Feed, market: MarketFeed
) -> None:
    other = make_instrument("ETH/USD")
    bars = [make_bar(hour, symbol="ETH/USD") for hour in range(3)]
    services.candles_store(instrument=other, timeframe="1h", source="csv", bars=bars)
    make_feed(other, speed=3600)
    moved = make_bar(3).open_time.replace(minute=30)
    Candle.objects.filter(instrument=feed.instrument, open_time=make_bar(3).open_time).update(open_time=moved)
    _run(market, 8)
    feed.refresh_from_db()
    assert "2024-03-04 03:30" in feed.last_error
    assert "does not start a 1h bar" in feed.last_error
    assert Candle.objects.filter(instrument=other, source="replay").count() == 3
    assert Candle.objects.filter(instrument=feed.instrument, source="replay").count() == 3
    Candle.objects.filter(open_time=moved).update(open_time=make_bar(3).open_time)
    _run(market, 8)
    feed.refresh_from_db()
    assert feed.last_error == ""
    assert Candle.objects.filter(instrument=feed.instrument, source="replay").count() > 3


@contextmanager
def _process(**environment: str) -> Iterator[subprocess.Popen[str]]:
    database = connection.settings_dict
    account = f"{database['USER']}:{database['PASSWORD']}".rstrip(":")
    address = f"postgres://{account}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run_feeds"],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": address,
            "REDIS_URL": settings.REDIS_URL,
            "DJANGO_SETTINGS_MODULE": "algotrendy.settings.test",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=20)


def _wait(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{len(_sent())} candles after {seconds} s"
        time.sleep(0.02)


@pytest.mark.faults
def test_killed_and_cut_off_it_sends_each_candle_once(feed: Feed) -> None:
    Feed.objects.update(speed=3600 * 20)
    with _process() as process:
        _wait(lambda: len(_sent()) >= 8)
        process.kill()
        process.wait(10)
    killed_at = len(_sent())
    assert killed_at < COUNT
    with _process() as process:
        _wait(lambda: len(_sent()) >= killed_at + 8)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] >= 1
        _wait(lambda: len(_sent()) >= COUNT)
        asked_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert time.monotonic() - asked_at < 2
    assert _sent() == _expected(COUNT)


@pytest.mark.faults
def test_of_two_processes_one_waits_and_takes_over(feed: Feed) -> None:
    with _process() as first:
        _wait(lambda: len(_sent()) >= 1)
        with _process() as second:
            time.sleep(3)
            assert len(_sent()) <= 6  # the pace of one
            first.kill()
            first.wait(10)
            after_kill = len(_sent())
            _wait(lambda: len(_sent()) >= after_kill + 2)
            second.send_signal(signal.SIGTERM)
            assert second.wait(5) == 0
    connections.close_all()
    assert _sent() == _expected(len(_sent()))
