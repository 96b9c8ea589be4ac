"""A replay sends each stored candle once, in the order of the closes, at its speed, on a clock that is given."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from algotrendy.trading.candles import Bar
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Feed, Instrument
from apps.marketdata.sources.replay import CLOSED_MARKET_SECONDS, LONGEST_STEP, ReplaySource

from .bars import MONDAY, make_bar

HOUR = timedelta(hours=1)


class Market:
    """Feeds with candles in memory, as rows are without a database, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.bars: dict[int, list[Bar]] = {}
        self.feeds: list[Feed] = []
        self.source = ReplaySource(self._read)
        self.now = 1000.0
        self.sent: list[tuple[float, str, float]] = []

    def add(self, symbol: str, *hours: float, speed: float = 3600, timeframe: Timeframe = Timeframe.H1) -> Feed:
        pk = len(self.bars) + 1
        instrument = Instrument(pk=pk, symbol=symbol)
        feed = Feed(pk=pk, instrument=instrument, timeframe=timeframe.value, speed=speed)
        self.bars[pk] = [make_bar(hour, symbol=symbol, timeframe=timeframe) for hour in hours]
        self.feeds.append(feed)
        return feed

    def _read(self, feed: Feed, length: int) -> list[Bar]:
        later = [bar for bar in self.bars[feed.pk] if feed.position is None or bar.open_time > feed.position]
        return later[:length]

    def follow(self) -> None:
        """Give the source the rows, as fresh objects, as a query does."""
        copies = []
        for feed in self.feeds:
            copy = Feed(pk=feed.pk, instrument=feed.instrument, timeframe=feed.timeframe)
            copy.speed, copy.position = feed.speed, feed.position
            copies.append(copy)
        self.source.follow(copies)

    def run(self, seconds: float, step: float = 0.05) -> None:
        """Let time pass in steps, and take what is due: (second, symbol, hour of its opening)."""
        for _ in range(round(seconds / step)):
            self.follow()
            while (arrival := self.source.due(self.now)) is not None:
                hour = (arrival.bar.open_time - MONDAY) / HOUR
                self.sent.append((round(self.now - 1000, 2), arrival.bar.symbol, hour))
                row = next(feed for feed in self.feeds if feed.pk == arrival.feed.pk)
                row.position = arrival.bar.open_time
                self.source.sent(arrival)
            self.now += step


@pytest.fixture
def market() -> Market:
    return Market()


def _seconds(market: Market) -> list[float]:
    return [second for second, _, _ in market.sent]


def test_an_hour_a_second(market: Market) -> None:
    market.add("A", 0, 1, 2, 3)
    market.run(10)
    assert [hour for _, _, hour in market.sent] == [0, 1, 2, 3]
    assert _seconds(market) == pytest.approx([1, 2, 3, 4], abs=0.06)


def test_the_speed_is_market_seconds_in_a_second(market: Market) -> None:
    market.add("A", *range(100), speed=3600 * 20)
    market.run(2, step=0.01)
    assert len(market.sent) in (39, 40)  # 20 a second, the last perhaps not quite


def test_feeds_are_merged_by_their_closes(market: Market) -> None:
    market.add("DAY", 0, 24, timeframe=Timeframe.D1, speed=36000)
    market.add("HOUR", *range(20, 28), speed=36000)
    market.run(30)
    assert [(symbol, hour) for _, symbol, hour in market.sent] == [
        ("HOUR", 20), ("HOUR", 21), ("HOUR", 22),
        ("HOUR", 23), ("DAY", 0),  # both close at midnight: the shorter first
        ("HOUR", 24), ("HOUR", 25), ("HOUR", 26), ("HOUR", 27), ("DAY", 24),
    ]  # fmt: skip


def test_a_weekend_takes_a_second_and_no_more(market: Market) -> None:
    market.add("A", 0, 1, 50, 51, 500)
    market.run(12)
    waits = [later - earlier for earlier, later in pairwise(_seconds(market))]
    assert waits == pytest.approx([1, 1 + CLOSED_MARKET_SECONDS, 1, 1 + CLOSED_MARKET_SECONDS], abs=0.06)


def test_a_closed_stretch_is_never_slower_than_the_speed(market: Market) -> None:
    market.add("A", 0, 50, speed=360_000)
    market.run(1, step=0.01)
    assert _seconds(market) == pytest.approx([0.01, 0.01 + 0.01 + 0.49], abs=0.03)


def test_it_goes_on_after_the_position(market: Market) -> None:
    feed = market.add("A", 0, 1, 2, 3)
    feed.position = MONDAY + HOUR
    market.run(10)
    assert [hour for _, _, hour in market.sent] == [2, 3]


def test_the_end_is_quiet_and_candles_that_come_later_are_sent(market: Market) -> None:
    feed = market.add("A", 0)
    market.run(3)
    assert market.source.due(market.now) is None
    assert market.source.seconds_left(market.now) is None
    market.bars[feed.pk].append(make_bar(1, symbol="A"))
    market.run(3)
    assert [hour for _, _, hour in market.sent] == [0, 1]


def test_a_change_of_speed_works_in_the_middle_of_a_candle(market: Market) -> None:
    feed = market.add("A", 0, 1, speed=1)  # an hour for the first candle
    market.run(5)
    assert market.sent == []
    feed.speed = 3600
    market.run(3)
    assert _seconds(market) == pytest.approx([6, 7], abs=0.1)


def test_a_disabled_feed_is_silent_and_loses_nothing(market: Market) -> None:
    market.add("A", *range(6))
    market.add("B", *range(6))
    market.run(2.5)
    paused = market.feeds.pop(0)
    market.run(2)
    assert {symbol for second, symbol, _ in market.sent if second >= 2.5} == {"B"}
    market.feeds.insert(0, paused)
    market.run(10)
    for name in ("A", "B"):
        assert [hour for _, symbol, hour in market.sent if symbol == name] == list(range(6))


def test_a_feed_that_is_behind_keeps_its_speed(market: Market) -> None:
    """One that is switched on years behind the others must not send its years at once."""
    late = market.add("LATE", 0, 1, 2)
    market.add("AHEAD", *range(1000, 1005))
    market.feeds.remove(late)
    market.run(2.5)
    market.feeds.append(late)
    market.run(12)
    times = {(symbol, hour): second for second, symbol, hour in market.sent}
    assert times["LATE", 1] - times["LATE", 0] == pytest.approx(1, abs=0.06)
    assert times["LATE", 0] >= 3.4


def test_a_position_that_is_moved_by_hand_is_followed(market: Market) -> None:
    feed = market.add("A", 0, 1, 2, 3)
    market.run(2.5)
    feed.position = None
    market.run(10)
    assert [hour for _, _, hour in market.sent] == [0, 1, 0, 1, 2, 3]


def test_after_a_long_sleep_of_the_machine_no_flood_comes(market: Market) -> None:
    market.add("A", *range(1000))
    market.run(2.5)
    market.now += 600
    before = len(market.sent)
    market.run(0.05)
    assert len(market.sent) - before <= 1 + LONGEST_STEP


def test_the_same_candle_is_due_until_it_is_sent(market: Market) -> None:
    market.add("A", 0, 1)
    market.follow()
    market.source.due(0.0)
    first = market.source.due(1.0)
    assert first is not None
    assert market.source.due(1.0) == first
    market.source.sent(first)
    market.source.sent(first)  # twice is once
    second = market.source.due(2.0)
    assert second is not None
    assert second.bar.close == Decimal("101.5")
