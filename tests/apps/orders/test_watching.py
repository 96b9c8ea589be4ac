"""Every price is looked at: within a candle, by the recurring look, and once however often it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from algotrendy.trading.candles import Bar
from algotrendy.trading.values import Timeframe
from apps.accounts.models import User
from apps.common.jobs import task_begins
from apps.marketdata.services.forming import forming_keep
from apps.orders.models import Order
from apps.orders.services.market.summarizing import day_figures, portfolios_summarize
from apps.orders.services.market.watching import newest_price, price_watch, prices_watch, watch_request
from apps.portfolio.models import EquitySnapshot
from apps.portfolio.services import portfolios_snapshot
from tests.apps.orders.stepped_desk import HOUR, SteppedDesk
from tests.builders import MARKET_TIME, make_feed, make_fill, make_order, make_portfolio, make_snapshot

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(trader: User) -> SteppedDesk:
    task_begins("orders.watch_price", "BTC/USD")
    return SteppedDesk(trader)


def forming_at(desk: SteppedDesk, price: str) -> None:
    feed = desk.instrument.feeds.first() if hasattr(desk.instrument, "feeds") else None
    feed = feed or make_feed(desk.instrument, source="okx", origin="")
    bar = Bar("BTC/USD", Timeframe.H1, desk.now, D(100), max(D(100), D(price)), min(D(100), D(price)), D(price), D(5))
    forming_keep(feed=feed, bar=bar)


def test_a_price_within_a_candle_marks_the_position_and_ends_it_at_its_lost_stop(desk: SteppedDesk) -> None:
    desk.hold(stop_loss="95")
    desk.settle()
    Order.objects.filter(role="stop_loss").update(status="rejected")
    forming_at(desk, "96.5")
    assert price_watch(symbol="BTC/USD")
    assert (desk.position.mark_price, desk.position.unrealized_pnl) == (D("96.5"), D("-17.5"))
    assert desk.orders(role="stop_loss", type="market") == []
    forming_at(desk, "94.9")
    prices_watch()
    assert len(desk.orders(role="stop_loss", type="market")) == 1


def test_many_ticks_ask_for_one_look(
    desk: SteppedDesk, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("apps.common.jobs._send", lambda task, args, expires: asked.append((task, *args)))
    for looked in (1, 2):
        with django_capture_on_commit_callbacks(execute=True):
            for _ in range(5):
                watch_request(symbol="BTC/USD")
        assert asked == [("orders.watch_price", "BTC/USD")] * looked
        price_watch(symbol="BTC/USD")


def test_a_tick_of_a_feed_asks_for_a_look(
    desk: SteppedDesk, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("apps.common.jobs._send", lambda task, args, expires: asked.append((task, *args)))
    with django_capture_on_commit_callbacks(execute=True):
        forming_at(desk, "99")
    assert asked == [("orders.watch_price", "BTC/USD")]


def test_nobody_looks_at_what_nobody_holds(desk: SteppedDesk) -> None:
    forming_at(desk, "99")
    assert not price_watch(symbol="BTC/USD")
    assert prices_watch() == 0
    assert not price_watch(symbol="NONE/USD")


def test_the_newest_price_is_the_last_close_unless_a_later_candle_is_forming(desk: SteppedDesk) -> None:
    tick = newest_price(desk.instrument)
    assert tick is not None
    assert (tick.price, tick.at) == (D(100), MARKET_TIME)
    desk.now = MARKET_TIME - timedelta(hours=9)
    forming_at(desk, "99")
    tick = newest_price(desk.instrument)
    assert tick is None or tick.price == D(100)  # A feed that has sent nothing yet has no last close.


def test_a_quiet_portfolio_gets_a_snapshot_each_hour(desk: SteppedDesk) -> None:
    now = timezone.now()
    make_snapshot(make_portfolio(desk.owner, "Busy"), now - timedelta(minutes=59))
    assert portfolios_snapshot(at=now) == [desk.portfolio.pk]
    assert portfolios_snapshot(at=now + timedelta(minutes=30)) != []
    row = EquitySnapshot.objects.get(portfolio=desk.portfolio, at=now)
    assert (row.equity, row.cash) == (D(10_000), D(10_000))


def test_a_portfolio_in_the_past_of_a_replay_gets_none_of_today(desk: SteppedDesk) -> None:
    make_feed(desk.instrument)
    make_snapshot(desk.portfolio, MARKET_TIME)
    assert portfolios_snapshot(at=timezone.now()) == []


def test_a_day_is_summed_up_with_its_figures(desk: SteppedDesk) -> None:
    end = datetime(2024, 3, 2, tzinfo=UTC)
    make_snapshot(desk.portfolio, end - 24 * HOUR, equity=D(10_000))
    make_snapshot(desk.portfolio, end - HOUR, equity=D(10_050))
    order = make_order(desk.portfolio)
    for at in (end - 25 * HOUR, end - 2 * HOUR, end):
        make_fill(order, executed_at=at, realized_pnl=D(50), fee=D("0.5"))
    assert day_figures(desk.portfolio, end) == {
        "day": "2024-03-01", "equity_begin": "10000.00000000", "equity_end": "10050.00000000", "pnl": "50.00000000",
        "pnl_percent": "0.5000", "realized_pnl": "50.00000000", "fees": "0.50000000", "traded": "100.00000000",
        "fills": 1,
    }  # fmt: skip
    assert portfolios_summarize(now=end + timedelta(minutes=1)) == 1
    assert EquitySnapshot.objects.filter(portfolio=desk.portfolio, at=end).exists()
