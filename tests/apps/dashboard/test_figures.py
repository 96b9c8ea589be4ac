"""The dashboard's figures against rows whose outcome is worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from apps.accounts.models import User
from apps.common.jobs import QUEUES
from apps.marketdata.models import Source
from apps.orders.models import Order
from apps.portfolio.models import EquitySnapshot
from tests.apps.dashboard.conftest import Book, ConsoleFor
from tests.builders import (
    MARKET_TIME,
    make_candles_rows,
    make_feed,
    make_fill,
    make_instrument,
    make_order,
    make_portfolio,
    make_position,
    make_signal,
    make_snapshot,
    make_strategy,
)

DAY = timedelta(days=1)


def read(client: Client, name: str, **query: Any) -> Any:
    response = client.get(reverse(f"admin:data_{name}"), query)
    assert response.status_code == 200, response.content
    return response.json()


def test_the_figures_of_a_portfolio(trader: User, console_for: ConsoleFor) -> None:
    # 9,900 cash and 1 held at 130 are 10,030; it cost 100; a day before the equity was 10,000, at its best 10,100.
    portfolio = make_portfolio(trader, cash=Decimal(9900), peak_equity=Decimal(10_100))
    make_position(portfolio, mark_price=Decimal(130))
    make_snapshot(portfolio, MARKET_TIME, equity=Decimal(10_000), drawdown_percent=Decimal("1.5"))
    make_snapshot(portfolio, MARKET_TIME + DAY, equity=Decimal(10_030), unrealized_pnl=Decimal(30))
    figures = read(console_for(trader), "overview")["figures"]
    assert Decimal(figures["equity"]) == 10_030
    assert Decimal(figures["day_pnl"]) == 30
    assert figures["day_pnl_percent"] == "0.30"
    assert Decimal(figures["unrealized_pnl"]) == 30
    assert figures["open_positions"] == 1
    assert figures["exposure_percent"] == "1.30"  # 130 of 10,030
    assert figures["drawdown_percent"] == "0.6931"  # 70 of 10,100
    assert Decimal(figures["max_drawdown_percent"]) == Decimal("1.5")
    assert figures["total_return_percent"] == "0.3000"


def test_the_fill_rate_is_of_todays_finished_orders(trader: User, console_for: ConsoleFor) -> None:
    portfolio = make_portfolio(trader)
    make_order(portfolio, status="filled", filled_quantity=Decimal(1))
    make_order(portfolio, status="denied")
    make_order(portfolio, status="open")
    old = make_order(portfolio, status="filled", filled_quantity=Decimal(1))
    Order.objects.filter(pk=old.pk).update(created_at=timezone.now() - DAY)
    figures = read(console_for(trader), "overview")["figures"]
    assert (figures["orders_today"], figures["orders_filled"], figures["orders_working"]) == (3, 1, 1)
    assert figures["fill_rate_percent"] == "50.00"
    assert sum(figures["orders_by_hour"]) == 3


def test_without_a_finished_order_there_is_no_fill_rate(trader: User, console_for: ConsoleFor) -> None:
    make_portfolio(trader)
    assert read(console_for(trader), "overview")["figures"]["fill_rate_percent"] is None


def test_a_long_curve_is_thinned_and_ends_with_the_newest_row(trader: User, console_for: ConsoleFor) -> None:
    portfolio = make_portfolio(trader)
    make_snapshot(portfolio, MARKET_TIME)
    EquitySnapshot.objects.bulk_create(
        EquitySnapshot(
            portfolio=portfolio, at=MARKET_TIME + number * timedelta(hours=1), equity=Decimal(10_000 + number),
            cash=Decimal(10_000), unrealized_pnl=Decimal(0),
        )
        for number in range(1, 1501)
    )  # fmt: skip
    client = console_for(trader)
    curve = read(client, "overview", span="All")["curve"]
    assert 400 <= len(curve) <= 600
    assert curve == sorted(curve)
    assert curve[-1] == [int((MARKET_TIME + timedelta(hours=1500)).timestamp()), 11_500.0, 0.0]
    day = read(client, "overview", span="1D")["curve"]
    assert [point[1] for point in day] == [float(value) for value in range(11_476, 11_501)]


def test_another_traders_portfolio_is_not_shown(
    trader: User, book: Book, other_book: Book, console_for: ConsoleFor
) -> None:
    client = console_for(trader)
    other = str(other_book.portfolio.pk)
    assert read(client, "overview", portfolio=other)["portfolio"]["id"] == str(book.portfolio.pk)
    entries = read(client, "activity", portfolio=other)["entries"]
    assert entries
    assert all(other_book.owner.username not in entry["text"] for entry in entries)


def test_an_admin_chooses_any_portfolio(admin: User, book: Book, other_book: Book, console_for: ConsoleFor) -> None:
    wanted = str(other_book.portfolio.pk)
    assert read(console_for(admin), "overview", portfolio=wanted)["portfolio"]["id"] == wanted


def test_activity_tells_signals_fills_and_refusals_newest_first(trader: User, console_for: ConsoleFor) -> None:
    portfolio = make_portfolio(trader)
    strategy = make_strategy(portfolio, "Reversion")
    make_signal(strategy)
    make_fill(
        make_order(portfolio, quantity=Decimal("0.25"), filled_quantity=Decimal("0.25")), price=Decimal("64231.5")
    )
    make_order(portfolio, status="denied", reason="12 % is above the 10 % limit.")
    texts = [entry["text"] for entry in read(console_for(trader), "activity")["entries"]]
    assert texts == [
        "Order denied: 12 % is above the 10 % limit.",
        "Buy 0.2500 BTC/USD filled at 64,231.50",
        "Reversion: buy signal, BTC/USD 1h",
    ]


def test_the_charts_last_day_and_indicators(trader: User, console_for: ConsoleFor) -> None:
    # Hourly closes 100 … 129, each opening at the close before, highs and lows 1 % beyond.
    make_candles_rows(make_instrument(), range(100, 130))
    data = read(console_for(trader), "chart", symbol="BTC/USD", timeframe="1h")
    assert len(data["candles"]) == 30
    assert data["candles"][-1][1:] == [128.0, 130.29, 126.72, 129.0, 1000.0]
    assert data["day"]["price"] == 129.0
    assert data["day"]["change_percent"] == pytest.approx((129 / 105 - 1) * 100)  # 105 closed 24 hours before
    assert data["day"]["high"] == pytest.approx(130.29)
    assert data["day"]["low"] == pytest.approx(105 * 0.99)  # of the candle that opened at 105
    assert data["overlays"]["sma"] == [None] * 30
    assert data["overlays"]["ema"][19] is None
    assert data["overlays"]["ema"][20] == pytest.approx(110)  # seeded with the mean of 100 … 120
    assert data["overlays"]["rsi"][-1] == pytest.approx(100)  # every change was up


def test_the_chart_shows_the_feeds_own_series_not_the_replays_future(trader: User, console_for: ConsoleFor) -> None:
    instrument = make_instrument()
    make_candles_rows(instrument, range(100, 150))
    make_candles_rows(instrument, range(100, 110), source=Source.REPLAY)
    make_feed(instrument)
    data = read(console_for(trader), "chart", symbol="BTC/USD", timeframe="1h")
    assert (data["source"], len(data["candles"])) == ("replay", 10)


def test_markers_are_the_portfolios_own_fills_on_their_candle(
    trader: User, other_trader: User, console_for: ConsoleFor
) -> None:
    make_candles_rows(make_instrument(), range(100, 110))
    order = make_order(make_portfolio(trader))
    make_fill(order, executed_at=MARKET_TIME + timedelta(hours=3, minutes=20))
    make_fill(make_order(make_portfolio(other_trader)), executed_at=MARKET_TIME + timedelta(hours=4))
    (marker,) = read(console_for(trader), "chart", symbol="BTC/USD", timeframe="1h")["markers"]
    assert marker["time"] == int((MARKET_TIME + timedelta(hours=3)).timestamp())
    assert (marker["side"], marker["order"]) == ("buy", str(order.pk))


def test_a_tail_is_the_end_of_the_whole(trader: User, console_for: ConsoleFor) -> None:
    make_candles_rows(make_instrument(), [100 + number % 7 for number in range(300)])
    client = console_for(trader)
    whole = read(client, "chart", symbol="BTC/USD", timeframe="1h")
    tail = read(client, "chart", symbol="BTC/USD", timeframe="1h", tail=3)
    assert tail["candles"] == whole["candles"][-3:]
    assert tail["overlays"]["ema"] == whole["overlays"]["ema"][-3:]


@pytest.mark.parametrize(
    ("query", "code"),
    [({"symbol": "NO/SUCH", "timeframe": "1h"}, "unknown_symbol"), ({"symbol": "BTC/USD"}, "unknown_timeframe")],
)
def test_a_wrong_question_is_answered_with_a_reason(
    query: dict[str, str], code: str, trader: User, console_for: ConsoleFor
) -> None:
    make_instrument()
    response = console_for(trader).get(reverse("admin:data_chart"), query)
    assert (response.status_code, response.json()["code"]) == (400, code)


def test_without_a_session_there_is_no_data(db: None) -> None:
    for name in ("overview", "activity", "chart", "health"):
        assert Client().get(reverse(f"admin:data_{name}")).status_code == 302


def test_health_is_measured(trader: User, console_for: ConsoleFor) -> None:
    make_feed(make_instrument(), last_error="The file has gone.")
    Redis.from_url(settings.REDIS_URL).delete(*QUEUES)  # what other tests have sent and no worker has read
    parts = {part["name"]: part for part in read(console_for(trader), "health")["parts"]}
    assert parts["Market feeds"]["state"] == "bad"
    assert parts["Market feeds"]["hint"] == "The file has gone."
    assert parts["Database"]["text"].endswith(" ms")
    assert parts["Queue"]["text"] == "0 waiting"
    assert parts["Workers"]["state"] == "bad"
    assert "start a Celery worker" in parts["Workers"]["hint"]
