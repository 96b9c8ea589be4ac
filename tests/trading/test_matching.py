"""What a bar does to resting orders; every expected price is worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from algotrendy.trading.candles import Bar
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.matching import (
    Costs,
    Expired,
    Filled,
    Rank,
    RestingOrder,
    Triggered,
    match,
)
from algotrendy.trading.values import OrderType, Side, Timeframe, TimeInForce
from tests.trading.builders import first_event

AT = datetime(2017, 3, 1, 10, tzinfo=UTC)
STOCK = InstrumentSpec("ACME", "USD", D("0.01"), D(1), D(1))
FREE = Costs(D(0), D(0))
COSTS = Costs(commission_rate=D("0.001"), slippage_rate=D("0.0005"))
BAR = Bar("ACME", Timeframe.H1, AT, D(100), D(105), D(95), D(102), D(1000))


def order(side="buy", kind="market", limit=None, stop=None, sequence=1, **more):
    return RestingOrder(
        key=f"o{sequence}",
        sequence=sequence,
        side=Side(side),
        type=OrderType(kind),
        time_in_force=more.pop("time_in_force", TimeInForce.GTC),
        quantity=D(10),
        limit_price=None if limit is None else D(limit),
        stop_price=None if stop is None else D(stop),
        **more,
    )


@pytest.mark.parametrize(
    ("resting", "price", "rank"),
    [
        (order("buy"), "100.05", Rank.AT_OPEN),  # 100 x 1.0005
        (order("sell"), "99.95", Rank.AT_OPEN),
        (order("buy", "limit", limit="97"), "97", Rank.TARGET),
        (order("buy", "limit", limit="95"), "95", Rank.TARGET),
        (order("buy", "limit", limit="101"), "100", Rank.AT_OPEN),
        (order("sell", "limit", limit="104"), "104", Rank.TARGET),
        (order("sell", "limit", limit="99"), "100", Rank.AT_OPEN),
        (order("buy", "stop", stop="103"), "103.06", Rank.STOP),  # 103.0515 rounded up
        (order("sell", "stop", stop="96"), "95.95", Rank.STOP),  # 95.952 rounded down
        (order("buy", "stop", stop="99"), "100.05", Rank.AT_OPEN),
        (order("sell", "stop", stop="101"), "99.95", Rank.AT_OPEN),
        (order("sell", "take_profit", stop="104"), "104", Rank.TARGET),
        (order("sell", "take_profit", stop="99"), "100", Rank.AT_OPEN),
        (order("buy", "take_profit", stop="96"), "96", Rank.TARGET),
        (order("buy", "stop_limit", limit="104", stop="103"), "103.00", Rank.STOP),
        (order("buy", "stop_limit", limit="101", stop="99"), "100", Rank.AT_OPEN),
        (order("sell", "stop_limit", limit="95.50", stop="96"), "96.00", Rank.STOP),
        (order("buy", "stop_limit", limit="97", stop="103", is_triggered=True), "97", Rank.TARGET),
    ],
)
def test_an_order_that_the_bar_reaches_fills_at_the_stated_price(resting, price, rank):
    assert match(resting, BAR, COSTS, STOCK) == Filled(resting, D(price), rank, D(10))


@pytest.mark.parametrize(
    "resting",
    [
        order("buy", "limit", limit="94.99"),
        order("sell", "limit", limit="105.01"),
        order("buy", "stop", stop="105.01"),
        order("sell", "stop", stop="94.99"),
        order("sell", "take_profit", stop="105.01"),
        order("buy", "stop_limit", limit="106", stop="105.01"),
    ],
)
def test_an_order_that_the_bar_does_not_reach_goes_on_resting(resting):
    assert match(resting, BAR, COSTS, STOCK) is None


def test_a_stop_limit_whose_limit_is_worse_than_its_stop_rests_as_a_limit_from_the_next_bar():
    resting = order("buy", "stop_limit", limit="102", stop="103")
    assert match(resting, BAR, COSTS, STOCK) == Triggered(resting)
    gapped = replace(BAR, open=D(104))
    beyond = order("buy", "stop_limit", limit="103", stop="103")
    assert match(beyond, gapped, COSTS, STOCK) == Filled(beyond, D(103), Rank.TARGET, D(10))


@pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_immediate_order_fills_at_the_first_open_or_never(tif):
    market = order("buy", time_in_force=tif)
    assert match(market, BAR, FREE, STOCK) == Filled(market, D(100), Rank.AT_OPEN, D(10))
    below = order("buy", "limit", limit="97", time_in_force=tif)
    assert match(below, BAR, FREE, STOCK) == Expired(below, "The first open, 100, did not reach its price.")


def test_an_order_expires_at_its_time_and_not_before():
    last = order("buy", "limit", limit="97", expires_at=AT)
    assert match(last, BAR, FREE, STOCK) == Expired(last)
    later = order("buy", "limit", limit="97", expires_at=AT.replace(minute=1))
    assert match(later, BAR, FREE, STOCK) == Filled(later, D(97), Rank.TARGET, D(10))


def test_where_a_bar_reaches_stop_and_target_the_stop_comes_first():
    target = order("sell", "take_profit", stop="104", sequence=1)
    stop = order("sell", "stop", stop="96", sequence=2)
    assert first_event([target, stop], BAR, FREE, STOCK) == Filled(stop, D(96), Rank.STOP, D(10))


def test_what_happens_at_the_open_comes_before_the_rest_and_in_order_of_arrival():
    stop = order("sell", "stop", stop="96", sequence=1)
    second = order("buy", sequence=3)
    first = order("sell", sequence=2)
    assert first_event([stop, second, first], BAR, FREE, STOCK).order is first
    assert first_event([stop], BAR, FREE, STOCK).order is stop
    assert first_event([], BAR, FREE, STOCK) is None


def test_a_gap_over_both_fills_at_the_open_and_never_at_a_price_that_was_not_there():
    gapped = replace(BAR, open=D(90), high=D(92), low=D(88), close=D(91))
    stop = order("sell", "stop", stop="96")
    assert match(stop, gapped, FREE, STOCK) == Filled(stop, D(90), Rank.AT_OPEN, D(10))


def test_the_fee_is_a_share_of_the_value():
    assert COSTS.fee(D("1234.56")) == D("1.23456")
    assert COSTS.fee(D("-1234.56")) == D("1.23456")


ticks = st.integers(1, 100_000).map(lambda cents: D(cents) / 100)


@st.composite
def bars(draw):
    low, high = sorted((draw(ticks), draw(ticks)))
    cents = st.integers(int(low * 100), int(high * 100)).map(lambda value: D(value) / 100)
    return Bar("ACME", Timeframe.H1, AT, draw(cents), high, low, draw(cents), D(1))


@given(bars(), st.sampled_from(Side), st.sampled_from(OrderType), ticks, ticks)
def test_without_slippage_every_fill_lies_in_the_bar_and_is_no_worse_than_the_limit(bar, side, kind, limit, stop):
    trail = {"trail_amount": stop} if kind is OrderType.TRAILING_STOP else {}
    resting = order(
        side, kind, limit if kind.needs_limit_price else None, stop if kind.needs_stop_price else None, **trail
    )
    event = match(resting, bar, FREE, STOCK)
    assume(isinstance(event, Filled))
    assert bar.low <= event.price <= bar.high
    if kind.needs_limit_price:
        assert (limit - event.price) * side.sign >= 0
    if kind is OrderType.TAKE_PROFIT:
        assert (stop - event.price) * side.sign >= 0
    if kind is OrderType.STOP:
        assert (event.price - stop) * side.sign >= 0
