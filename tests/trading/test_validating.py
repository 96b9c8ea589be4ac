"""What the newer kinds of order may ask for: trails, post-only, lifetimes, triggers, an amount of money."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.orders import OrderIntent, quantity_for
from algotrendy.trading.values import OrderType, Side, TimeInForce

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
BTC = InstrumentSpec("BTC/USD", "USD", D("0.01"), D("0.0001"), D("0.001"), D(10))
PRICE = D(100)
TRAIL = OrderIntent(Side.SELL, OrderType.TRAILING_STOP, D(1), trail_amount=D(5))
LIMIT = OrderIntent(Side.BUY, OrderType.LIMIT, D(1), limit_price=D(99))


def code_of(intent, at=NOW):
    with pytest.raises(InvalidOrder) as caught:
        intent.validate(BTC, PRICE, at)
    return caught.value.code


@pytest.mark.parametrize(
    "intent",
    [
        TRAIL,
        replace(TRAIL, side=Side.BUY, trail_amount=D(150)),
        replace(TRAIL, trail_amount=None, trail_percent=D("2.5")),
        replace(TRAIL, reduce_only=True, time_in_force=TimeInForce.DAY),
        replace(LIMIT, post_only=True),
        replace(LIMIT, post_only=True, time_in_force=TimeInForce.GTD, expires_at=NOW + timedelta(seconds=1)),
        replace(LIMIT, time_in_force=TimeInForce.FOK),
        OrderIntent(Side.BUY, OrderType.MARKET, D(1), time_in_force=TimeInForce.IOC, notional=D("100.5")),
    ],
)
def test_what_makes_sense_passes(intent):
    intent.validate(BTC, PRICE, NOW)


@pytest.mark.parametrize(
    ("intent", "code"),
    [
        (replace(TRAIL, trail_amount=None), "trail_missing"),
        (replace(TRAIL, trail_percent=D(5)), "trail_ambiguous"),
        (replace(TRAIL, trail_amount=D("0.005")), "trail_amount_off_tick"),
        (replace(TRAIL, trail_amount=D(0)), "trail_amount_out_of_range"),
        (replace(TRAIL, trail_amount=D("NaN")), "trail_amount_out_of_range"),
        (replace(TRAIL, trail_amount=D(100)), "trail_amount_out_of_range"),  # a stop at 0 is never reached
        (replace(TRAIL, trail_amount=None, trail_percent=D(0)), "trail_percent_out_of_range"),
        (replace(TRAIL, trail_amount=None, trail_percent=D(100)), "trail_percent_out_of_range"),
        (replace(TRAIL, trail_amount=None, trail_percent=D("Infinity")), "trail_percent_out_of_range"),
        (replace(TRAIL, stop_price=D(95)), "stop_price_not_allowed"),
        (replace(TRAIL, limit_price=D(95)), "limit_price_not_allowed"),
        (replace(LIMIT, trail_amount=D(5)), "trail_not_allowed"),
        (replace(LIMIT, trail_percent=D(5)), "trail_not_allowed"),
        (OrderIntent(Side.BUY, OrderType.MARKET, D(1), post_only=True), "post_only_not_allowed"),
        (replace(TRAIL, post_only=True), "post_only_not_allowed"),
        (replace(LIMIT, post_only=True, time_in_force=TimeInForce.IOC), "post_only_not_immediate"),
        (replace(LIMIT, post_only=True, time_in_force=TimeInForce.FOK), "post_only_not_immediate"),
        (replace(TRAIL, time_in_force=TimeInForce.IOC), "time_in_force_not_allowed"),
        (OrderIntent(Side.SELL, OrderType.STOP, D(1), None, D(95), TimeInForce.FOK), "time_in_force_not_allowed"),
        (replace(LIMIT, time_in_force=TimeInForce.GTD, expires_at=NOW), "expires_at_passed"),
        (
            replace(LIMIT, time_in_force=TimeInForce.GTD, expires_at=NOW.replace(tzinfo=None)),
            "expires_at_without_zone",
        ),
        (replace(LIMIT, notional=D(0)), "notional_out_of_range"),
        (replace(LIMIT, notional=D("NaN")), "notional_out_of_range"),
    ],
)
def test_each_refusal_has_its_code(intent, code):
    assert code_of(intent) == code


@pytest.mark.parametrize(
    ("side", "kind", "passes", "refused"),
    [
        ("buy", "stop", "100.01", "100"),
        ("sell", "stop", "99.99", "100"),
        ("buy", "stop_limit", "100.01", "99"),
        ("sell", "stop_limit", "99.99", "101"),
        ("buy", "take_profit", "99.99", "100"),
        ("sell", "take_profit", "100.01", "100"),
    ],
)
def test_a_stop_or_target_that_the_market_has_reached_already_is_refused(side, kind, passes, refused):
    limit = D(passes) if kind == "stop_limit" else None
    intent = OrderIntent(Side(side), OrderType(kind), D(1), limit, D(passes))
    intent.validate(BTC, PRICE, NOW)
    assert code_of(replace(intent, stop_price=D(refused))) == "stop_price_would_trigger"


def test_a_lifetime_is_held_against_the_time_of_the_market_and_only_where_it_is_known():
    ended = replace(LIMIT, time_in_force=TimeInForce.GTD, expires_at=NOW - timedelta(days=1))
    assert code_of(ended) == "expires_at_passed"
    ended.validate(BTC, PRICE)


def test_an_amount_of_money_buys_the_quantity_that_it_covers():
    assert quantity_for(D(250), D(100), BTC) == D("2.5")
    assert quantity_for(D(1), D(3), BTC) == D("0.3333")  # and not 0.33333
    contracts = replace(BTC, contract_size=D("0.1"), quantity_step=D(1), min_quantity=D(1))
    assert quantity_for(D(250), D(100), contracts) == D(25)  # a contract is worth 10


@pytest.mark.parametrize("notional", ["0.0999", "0.00000001"])
def test_an_amount_below_the_least_quantity_is_refused(notional):
    with pytest.raises(InvalidOrder) as caught:
        quantity_for(D(notional), PRICE, BTC)
    assert caught.value.code == "notional_too_small"


@pytest.mark.parametrize("notional", ["0", "-5", "NaN", "Infinity"])
def test_an_amount_must_be_positive(notional):
    with pytest.raises(InvalidOrder) as caught:
        quantity_for(D(notional), PRICE, BTC)
    assert caught.value.code == "notional_out_of_range"


amounts = st.decimals(min_value="1", max_value="1000000", places=2, allow_nan=False)


@given(amounts, amounts)
def test_a_derived_quantity_is_on_the_grid_and_never_worth_more_than_was_asked(notional, price):
    try:
        quantity = quantity_for(notional, price, BTC)
    except InvalidOrder:
        assert notional / price < BTC.min_quantity
        return
    assert BTC.is_on_step(quantity)
    assert quantity * price <= notional < (quantity + BTC.quantity_step) * price
