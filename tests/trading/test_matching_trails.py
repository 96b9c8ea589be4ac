"""Trailing stops and post-only orders, bar by bar; levels worked out by hand and by a second, plainer rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrendy.trading.candles import Bar
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.matching import (
    Costs,
    Filled,
    Rank,
    Refused,
    RestingOrder,
    follow,
    follows,
    match,
    stop_of,
)
from algotrendy.trading.values import OrderType, Side, Timeframe, TimeInForce

AT = datetime(2017, 3, 1, 10, tzinfo=UTC)
STOCK = InstrumentSpec("ACME", "USD", D("0.01"), D(1), D(1))
FREE = Costs(D(0), D(0))


def bar(o, h, lo, c, number=0):
    return Bar("ACME", Timeframe.H1, AT + number * timedelta(hours=1), D(o), D(h), D(lo), D(c), D(1000))


def trail(side="sell", **more):
    return RestingOrder("t", 1, Side(side), OrderType.TRAILING_STOP, TimeInForce.GTC, D(10), **more)


def maker(side="buy", limit="97", **more):
    return RestingOrder(
        "m", 1, Side(side), OrderType.LIMIT, TimeInForce.GTC, D(10), limit_price=D(limit), post_only=True, **more
    )


def through(order, bars):
    """Return what ends the order, and at which bar; None where it goes on resting."""
    for number, one in enumerate(bars):
        event = match(order, one, FREE, STOCK)
        if event is not None:
            return number, event
        order = follow(order, one)
    return None


def test_a_trailing_sell_begins_behind_its_first_open_and_follows_the_highs():
    order = trail(trail_amount=D(5))
    first = bar("100", "108", "96", "107")
    assert stop_of(order, first, STOCK) == 95
    assert match(order, first, FREE, STOCK) is None  # 96 is below 108 - 5, but the high may have come after the low
    order = follow(order, first)
    assert order.best_price == 108
    second = bar("107", "107.50", "103", "104", 1)
    assert stop_of(order, second, STOCK) == 103
    assert match(order, second, FREE, STOCK) == Filled(order, D(103), Rank.STOP, D(10))


def test_a_trailing_buy_follows_the_lows_by_percent():
    order = trail("buy", trail_percent=D(10))
    order = follow(order, bar("100", "101", "90", "91"))
    assert order.best_price == 90
    assert match(order, bar("91", "98.99", "91", "98"), FREE, STOCK) is None
    assert match(order, bar("91", "99", "91", "98"), FREE, STOCK) == Filled(order, D(99), Rank.STOP, D(10))


def test_the_trail_never_goes_back_and_a_gap_below_it_fills_at_the_open():
    order = follow(trail(trail_amount=D(5)), bar("100", "110", "100", "110"))
    order = follow(order, bar("107", "108", "106", "107", 1))
    assert order.best_price == 110
    gap = bar("101", "103", "100", "102", 2)
    assert match(order, gap, FREE, STOCK) == Filled(order, D(101), Rank.AT_OPEN, D(10))
    slips = Costs(D(0), D("0.001"))
    assert match(order, gap, slips, STOCK).price == D("100.89")  # 101 x 0.999 = 100.899, rounded down


def test_a_trail_in_percent_is_put_on_the_tick():
    order = trail(trail_percent=D("3.3"), best_price=D("101.01"))
    assert stop_of(order, bar("101", "101", "101", "101"), STOCK) == D("97.68")  # 101.01 x 0.967 = 97.67667


def test_a_trail_that_was_reached_trades_at_the_market_from_then_on():
    reached = trail(trail_amount=D(5), best_price=D(110), is_triggered=True)
    rising = bar("120", "121", "119", "120")
    assert match(reached, rising, FREE, STOCK) == Filled(reached, D(120), Rank.AT_OPEN, D(10))
    assert follow(reached, rising) is reached


cents = st.integers(1, 20_000).map(lambda value: D(value) / 100)


@st.composite
def walks(draw):
    """Return bars that go on from each other's close."""
    bars, last = [], draw(cents)
    for number in range(draw(st.integers(1, 12))):
        prices = [last, *draw(st.lists(cents, min_size=3, max_size=3))]
        close = draw(st.sampled_from(prices))
        bars.append(bar(draw(st.sampled_from(prices)), max(prices), min(prices), close, number))
        last = close
    return bars


@given(walks(), st.sampled_from(Side), st.integers(1, 3000))
def test_a_trail_stops_where_a_plain_reading_of_the_bars_before_says(bars, side, distance):
    amount = D(distance) / 100
    down = side is Side.SELL
    expected = None
    for number, one in enumerate(bars):
        seen = [bars[0].open] + [b.high if down else b.low for b in bars[:number]]
        level = max(seen) - amount if down else min(seen) + amount
        if one.open <= level if down else one.open >= level:
            expected = (number, one.open)
        elif one.low <= level if down else one.high >= level:
            expected = (number, level)
        if expected:
            break
    found = through(trail(side, trail_amount=amount), bars)
    assert (found and (found[0], found[1].price)) == expected


def test_a_post_only_order_that_would_take_at_its_first_open_is_ended():
    taking = maker(limit="101")
    event = match(taking, bar("100", "105", "95", "102"), FREE, STOCK)
    assert event == Refused(taking, "A post-only order never takes, and at 100 it would have.")
    sell = maker("sell", limit="100")
    assert isinstance(match(sell, bar("100", "105", "95", "102"), FREE, STOCK), Refused)


def test_a_post_only_order_that_rests_fills_within_its_first_bar_and_after_it_like_any_other():
    resting = maker(limit="97")
    assert match(resting, bar("100", "105", "95", "102"), FREE, STOCK) == Filled(resting, D(97), Rank.TARGET, D(10))
    let_in = follow(resting, bar("100", "101", "99", "100"))
    assert let_in == replace(resting, is_triggered=True)
    gap = bar("95", "96", "94", "95", 1)
    assert match(let_in, gap, FREE, STOCK) == Filled(let_in, D(95), Rank.AT_OPEN, D(10))


@pytest.mark.parametrize(
    ("order", "changes"),
    [
        (trail(trail_amount=D(5)), True),
        (maker(), True),
        (trail(trail_amount=D(5), is_triggered=True), False),
        (maker(is_triggered=True), False),
        (RestingOrder("s", 1, Side.SELL, OrderType.STOP, TimeInForce.GTC, D(1), stop_price=D(1)), False),
    ],
)
def test_it_is_known_beforehand_which_orders_a_bar_may_change(order, changes):
    assert follows(order) is changes
    assert (follow(order, bar("100", "101", "99", "100")) != order) is changes
