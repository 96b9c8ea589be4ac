"""Orders that the platform watches for: by hand, and what holds for every walk of prices."""

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.triggers import WatchedOrder, followed, is_reached
from algotrendy.trading.values import OrderType, Side

SPEC = InstrumentSpec("BTC/USD", "USD", D("0.01"), D("0.0001"), D("0.0001"))
walks = st.lists(st.decimals(D(50), D(150), places=2), min_size=1, max_size=40)


def trailing(side="sell", **more):
    return WatchedOrder(Side(side), OrderType.TRAILING_STOP, **more)


def seen(order, *prices):
    for price in prices:
        order = followed(order, D(price), SPEC)
    return order


def test_a_trailing_sell_follows_the_price_up_and_stays_when_it_falls():
    order = seen(trailing(trail_amount=D(5)), "100", "110", "107")
    assert (order.best_price, order.stop_price) == (D(110), D(105))
    assert not is_reached(order, D("105.01"))
    assert is_reached(order, D(105))


def test_a_trailing_buy_follows_the_price_down_by_percent():
    order = seen(trailing("buy", trail_percent=D(10)), "100", "90", "95")
    assert (order.best_price, order.stop_price) == (D(90), D(99))
    assert is_reached(order, D(99))
    assert not is_reached(order, D(98))


@pytest.mark.parametrize(
    ("kind", "side", "reached", "not_reached"),
    [
        ("stop", "sell", "100", "100.01"), ("stop", "buy", "100", "99.99"),
        ("stop_limit", "sell", "99", "101"), ("stop_limit", "buy", "101", "99"),
        ("take_profit", "sell", "100", "99.99"), ("take_profit", "buy", "100", "100.01"),
    ],
)  # fmt: skip
def test_an_order_is_reached_from_its_own_side(kind, side, reached, not_reached):
    order = WatchedOrder(Side(side), OrderType(kind), stop_price=D(100))
    assert is_reached(order, D(reached))
    assert not is_reached(order, D(not_reached))


def test_limit_orders_wait_for_nothing():
    assert not is_reached(WatchedOrder(Side.BUY, OrderType.LIMIT), D(1))


@given(walks, st.sampled_from(Side), st.decimals(D("0.5"), D(20), places=2))
def test_a_trailing_stop_never_goes_back_and_is_its_trail_from_the_best_price(prices, side, amount):
    order = trailing(side.value, trail_amount=amount)
    for price in prices:
        before, order = order, followed(order, price, SPEC)
        assert before.stop_price is None or (order.stop_price - before.stop_price) * side.sign <= 0
    best = max(prices) if side is Side.SELL else min(prices)
    assert (order.best_price, order.stop_price) == (best, best + side.sign * amount)
    assert replace(order, best_price=None, stop_price=None) == trailing(side.value, trail_amount=amount)
