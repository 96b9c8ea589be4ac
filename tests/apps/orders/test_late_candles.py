"""A strategy does not trade on an exchange's candle that came too late, and says why."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.marketdata.models import Feed, Source
from apps.orders.services.market.trading import feed_start, feed_trade
from apps.strategies.models import Signal, Strategy
from tests.builders import make_candles_rows, make_feed, make_portfolio, make_strategy, make_user

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def falling(age: timedelta, source: str) -> tuple[Feed, Strategy]:
    """Return a feed whose last candle, far down, closed so long ago, and a strategy that buys what has fallen."""
    strategy = make_strategy(make_portfolio(make_user()), rule="rsi", enabled=True)
    closes = [Decimal(100 + index % 2) for index in range(40)] + [Decimal(60)]
    last = timezone.now() - age - HOUR
    last = last.replace(minute=0, second=0, microsecond=0)
    make_candles_rows(strategy.instrument, closes, source=source, start=last - 40 * HOUR)
    feed = make_feed(strategy.instrument, source=source, position=last)
    feed_start(feed=feed, after=last - HOUR)
    return feed, strategy


def test_a_candle_that_is_older_than_two_is_not_traded_on() -> None:
    feed, strategy = falling(timedelta(hours=5), "okx")
    assert feed_trade(feed_id=feed.pk) == 1
    strategy.refresh_from_db()
    assert not Signal.objects.exists()
    assert strategy.last_error.startswith("Holds: the candle of ")
    assert "minutes after its close, later than 2 candles of 1h" in strategy.last_error


def test_one_in_time_is_and_clears_the_reason() -> None:
    feed, strategy = falling(timedelta(minutes=1), "okx")
    Strategy.objects.update(last_error="Holds: …")
    assert feed_trade(feed_id=feed.pk) == 1
    strategy.refresh_from_db()
    assert Signal.objects.get().action == "buy"
    assert strategy.last_error == ""


def test_a_replay_is_never_late() -> None:
    feed, _ = falling(timedelta(days=900), Source.REPLAY)
    assert feed_trade(feed_id=feed.pk) == 1
    assert Signal.objects.exists()
