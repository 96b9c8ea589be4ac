"""Fills in part: an account takes a share of a bar's volume, and its orders share it in turn."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrendy.trading.candles import Bar
from algotrendy.trading.chance import draw
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.matching import (
    Costs,
    Expired,
    Filled,
    Liquidity,
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
BAR = Bar("ACME", Timeframe.H1, AT, D(100), D(105), D(95), D(102), D(55))
TENTH = Liquidity(D("0.1"))  # 5.5 of 55, on the step of 1: 5


def order(kind="market", side="buy", quantity="10", limit=None, stop=None, sequence=1, **more):
    more.setdefault("time_in_force", TimeInForce.GTC)
    return RestingOrder(
        f"o{sequence}", sequence, Side(side), OrderType(kind), quantity=D(quantity),
        limit_price=limit and D(limit), stop_price=stop and D(stop), **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("resting", "rank"),
    [
        (order(), Rank.AT_OPEN),
        (order("limit", limit="97"), Rank.TARGET),
        (order("stop", stop="103"), Rank.STOP),
        (order("take_profit", "sell", stop="104"), Rank.TARGET),
        (order("stop_limit", limit="104", stop="103"), Rank.STOP),
        (order("trailing_stop", "sell", trail_amount=D(5)), Rank.STOP),
        (order(time_in_force=TimeInForce.IOC), Rank.AT_OPEN),
    ],
)
def test_an_order_takes_no_more_than_its_share_of_the_volume(resting, rank):
    event = match(resting, BAR, FREE, STOCK, TENTH)
    assert (event.quantity, event.rank, event.is_partial) == (D(5), rank, True)
    whole = match(replace(resting, quantity=D(5)), BAR, FREE, STOCK, TENTH)
    assert (whole.quantity, whole.is_partial) == (D(5), False)


def test_what_was_taken_of_the_bar_before_is_gone():
    event = match(order(), BAR, FREE, STOCK, replace(TENTH, taken=D(3)))
    assert event.quantity == 2  # 5.5 - 3 = 2.5
    assert match(order(), BAR, FREE, STOCK, replace(TENTH, taken=D(5))) is None


def test_a_fok_order_has_all_or_nothing():
    fok = order(quantity="6", time_in_force=TimeInForce.FOK)
    expired = match(fok, BAR, FREE, STOCK, TENTH)
    assert isinstance(expired, Expired)
    assert "too small" in expired.reason
    assert match(replace(fok, quantity=D(5)), BAR, FREE, STOCK, TENTH).quantity == 5


def test_an_ioc_order_that_finds_nothing_ends():
    assert isinstance(
        match(order(time_in_force=TimeInForce.IOC), replace(BAR, volume=D(9)), FREE, STOCK, TENTH), Expired
    )


def test_without_volume_only_a_stop_that_is_reached_changes():
    empty = replace(BAR, volume=D(0))
    for resting in (order(), order("limit", limit="97"), order("take_profit", "sell", stop="104")):
        assert match(resting, empty, FREE, STOCK, TENTH) is None
    inside, at_open = order("stop", stop="103"), order("stop", stop="99")
    assert match(inside, empty, FREE, STOCK, TENTH) == Triggered(inside)
    assert match(at_open, empty, FREE, STOCK, TENTH) == Triggered(at_open, Rank.AT_OPEN)
    assert match(replace(inside, is_triggered=True), empty, FREE, STOCK, TENTH) is None


def test_a_stop_that_was_reached_goes_on_at_the_market():
    triggered = order("stop", stop="150", is_triggered=True)
    assert match(triggered, BAR, FREE, STOCK, TENTH) == Filled(triggered, D(100), Rank.AT_OPEN, D(5))


def test_the_orders_of_an_account_share_the_volume_in_the_order_of_arrival():
    first, second, third = (order(quantity=q, sequence=n) for n, q in enumerate(("3", "4", "4"), start=1))
    assert first_event([third, second, first], BAR, FREE, STOCK, TENTH).order is first
    event = first_event([third, second], BAR, FREE, STOCK, replace(TENTH, taken=D(3)))
    assert (event.order, event.quantity) == (second, D(2))
    assert first_event([third], BAR, FREE, STOCK, replace(TENTH, taken=D(5))) is None


def test_a_draw_is_the_same_for_the_same_seed_and_words_and_spreads_over_its_range():
    assert draw(7, "volume", "a") == draw(7, "volume", "a")
    assert len({draw(7, "volume", "a"), draw(8, "volume", "a"), draw(7, "volume", "b"), draw(7, "latency", "a")}) == 4
    many = [draw(1, number) for number in range(4000)]
    assert all(0 < one <= 1 for one in many)
    for tenth in range(10):  # 400 are expected in each; 300 to 500 are five standard deviations to both sides
        assert 300 < sum(D(tenth) / 10 < one <= D(tenth + 1) / 10 for one in many) < 500


def test_chance_leaves_an_order_a_part_of_the_share():
    thick = replace(BAR, volume=D(100_000))
    lucky = Liquidity(D("0.1"), seed=7)
    big = order(quantity="100000")
    got = {match(big, replace(thick, open_time=AT + timedelta(hours=n)), FREE, STOCK, lucky).quantity for n in range(9)}
    assert len(got) == 9
    assert all(0 < quantity <= 10_000 for quantity in got)


quantities = st.integers(1, 60).map(D)
volumes = st.integers(0, 200).map(D)
shares = st.integers(0, 100).map(lambda percent: D(percent) / 100)


@given(st.lists(quantities, max_size=5), st.lists(volumes, max_size=6), shares, st.integers(0, 3))
def test_no_sequence_of_bars_fills_more_than_the_orders_ask_or_than_the_bars_share(asked, bars, share, seed):
    resting = {f"o{n}": order(quantity=q, sequence=n) for n, q in enumerate(asked)}
    traded = dict.fromkeys(resting, D(0))
    for number, volume in enumerate(bars):
        bar, taken, met = replace(BAR, open_time=AT + timedelta(hours=number), volume=volume), D(0), set()
        while True:
            waiting = [one for one in resting.values() if one.key not in met]
            event = first_event(waiting, bar, FREE, STOCK, Liquidity(share, taken, seed))
            if event is None:
                break
            assert 0 < event.quantity <= event.order.quantity
            assert STOCK.is_on_step(event.quantity)
            key, taken = event.order.key, taken + event.quantity
            traded[key] += event.quantity
            met.add(key)
            if event.is_partial:
                resting[key] = replace(event.order, quantity=event.order.quantity - event.quantity)
            else:
                del resting[key]
        assert not share or taken <= share * volume
    for key, quantity in traded.items():
        remains = resting[key].quantity if key in resting else D(0)
        assert quantity + remains == asked[int(key[1:])]
