"""How much an entry trades: figures worked out by hand, and a volatility that is the same however it is seen."""

import statistics
from decimal import Decimal as D
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algotrendy.trading.backtest.config import Sizing, SizingRule
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.sizing import size_entry, volatility

SPEC = InstrumentSpec("BTC/USD", "USD", D("0.01"), D("0.001"), D("0.01"))


def size(rule, value, *, equity=10_000, price=100, spec=SPEC, **known):
    return size_entry(Sizing(SizingRule(rule), D(str(value))), spec=spec, price=D(price), equity=D(equity), **known)


@pytest.mark.parametrize(
    ("rule", "value", "known", "quantity"),
    [
        ("fixed_quantity", "2.7549", {}, "2.754"),
        ("percent_of_equity", 5, {}, "5"),  # 500 at 100
        ("percent_of_equity", 5, {"equity": -1}, "0"),
        ("risk_percent", 1, {"stop": D(95)}, "20"),  # 100 over 5 a unit
        ("risk_percent", 1, {"stop": D(103)}, "33.333"),  # of a short: 100 over 3
        ("volatility_target", 10, {"volatility": 0.4}, "25"),  # 1,000 over 0.4 x 100
        ("volatility_target", 10, {"volatility": 0.3}, "33.333"),
    ],
)
def test_each_rule_sizes_as_by_hand_and_rounds_down_to_the_step(rule, value, known, quantity):
    assert size(rule, value, **known).quantity == D(quantity)


def test_a_contract_of_ten_units_wants_a_tenth_of_them():
    spec = InstrumentSpec("ES", "USD", D("0.01"), D("0.001"), D("0.01"), contract_size=D(10))
    assert size("risk_percent", 1, stop=D(95), spec=spec).quantity == D(2)
    assert size("volatility_target", 10, volatility=0.4, spec=spec).quantity == D("2.5")


@pytest.mark.parametrize(
    ("rule", "known", "why"),
    [
        ("risk_percent", {}, "no stop loss"),
        ("volatility_target", {}, "not known"),
        ("volatility_target", {"volatility": float("nan")}, "not known"),
        ("volatility_target", {"volatility": 0.0}, "not known"),
        ("percent_of_equity", {"equity": 10}, "least quantity"),
    ],
)
def test_what_cannot_be_sized_says_why(rule, known, why):
    sized = size(rule, 5, **known)
    assert sized.quantity == 0
    assert why in sized.reason


def test_a_stop_next_to_the_price_asks_for_no_more_than_an_order_may_hold():
    assert size("risk_percent", 50, equity=100_000_000, stop=D("99.99")).quantity == D(1_000_000)


def test_the_volatility_is_the_annual_deviation_of_the_last_twenty_returns():
    closes = [100 + (number * 7) % 11 for number in range(30)]
    returns = [after / before - 1 for before, after in pairwise(closes[-21:])]
    found = volatility(np.array(closes, dtype=float), 252)
    assert found[-1] == pytest.approx(statistics.stdev(returns) * 252**0.5)
    assert np.isnan(found[:20]).all()
    assert not np.isnan(found[20:]).any()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(21, 400))
def test_the_newest_closes_alone_give_the_same_volatility_to_the_last_bit(seed, length):
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, length)))
    assert volatility(closes, 8766)[-1] == volatility(closes[-21:], 8766)[-1]


@pytest.mark.parametrize(
    ("days", "hours", "seconds", "bars"),
    [
        (365.25, 24, 3600, 8766),
        (365.25, 24, 86_400, 365.25),
        (252, 6.5, 86_400, 252),
        (252, 6.5, 3600, 1764),  # seven a day, the last one half as long
        (252, 6.5, 60, 98_280),
        (252, 6.5, 604_800, 365.25 / 7),
    ],
)
def test_a_year_has_as_many_bars_as_its_sessions_give(days, hours, seconds, bars):
    spec = InstrumentSpec("A", "USD", D(1), D(1), D(1), days_a_year=days, hours_a_day=hours)
    assert spec.bars_per_year(seconds) == pytest.approx(bars)
