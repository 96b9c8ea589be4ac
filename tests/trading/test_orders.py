"""The order state machine, every pair of it, and what an order may ask for."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from itertools import product

import pytest

from algotrendy.trading.errors import InvalidOrder, InvalidTransition
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.orders import TRANSITIONS, OrderIntent, OrderStatus, status_after_fill, transition
from algotrendy.trading.values import OrderType, Side, TimeInForce

# Written down by hand from the life of an order, not read from the code.
ALLOWED = {
    ("held", "pending"),
    ("held", "canceled"),
    ("held", "expired"),
    ("pending", "submitted"),
    ("pending", "denied"),
    ("pending", "canceled"),
    ("submitted", "open"),
    ("submitted", "partially_filled"),
    ("submitted", "filled"),
    ("submitted", "canceled"),
    ("submitted", "rejected"),
    ("submitted", "expired"),
    ("open", "partially_filled"),
    ("open", "filled"),
    ("open", "canceled"),
    ("open", "rejected"),
    ("open", "expired"),
    ("partially_filled", "partially_filled"),
    ("partially_filled", "filled"),
    ("partially_filled", "canceled"),
    ("partially_filled", "expired"),
    ("canceled", "filled"),
    ("expired", "filled"),
    ("rejected", "open"),
    ("rejected", "partially_filled"),
    ("rejected", "filled"),
    ("rejected", "canceled"),
}
EURUSD = InstrumentSpec("EUR/USD", "USD", D("0.00001"), D(1), D(1), D(5))
BUY_LIMIT = OrderIntent(Side.BUY, OrderType.LIMIT, D(1000), limit_price=D("1.05"))
MARKET = D("1.06")


@pytest.mark.parametrize(("current", "target"), list(product(OrderStatus, OrderStatus)))
def test_every_pair_of_statuses_is_allowed_or_refused_as_written(current, target):
    if (current.value, target.value) in ALLOWED:
        assert transition(current, target) is target
    else:
        with pytest.raises(InvalidTransition, match=f"{current} cannot become {target}"):
            transition(current, target)


def test_every_status_has_its_row():
    assert set(TRANSITIONS) == set(OrderStatus)


def test_terminal_statuses_are_those_that_cannot_trade_any_more():
    terminal = {status.value for status in OrderStatus if status.is_terminal}
    assert terminal == {"filled", "canceled", "rejected", "expired", "denied"}
    assert all(status.is_working != status.is_terminal for status in OrderStatus)


@pytest.mark.parametrize(
    ("current", "filled", "expected"),
    [
        ("open", "4", "partially_filled"),
        ("open", "10", "filled"),
        ("submitted", "10", "filled"),
        ("partially_filled", "9.99999999", "partially_filled"),
        ("canceled", "4", "canceled"),
        ("canceled", "10", "filled"),
        ("expired", "4", "expired"),
        ("rejected", "4", "partially_filled"),
        ("rejected", "10", "filled"),
    ],
)
def test_a_fill_moves_the_status_and_a_late_one_leaves_a_finished_order_finished(current, filled, expected):
    assert status_after_fill(OrderStatus(current), D(10), D(filled)) == expected


def test_a_denied_order_takes_no_fill():
    with pytest.raises(InvalidTransition):
        status_after_fill(OrderStatus.DENIED, D(10), D(10))


def test_a_sound_order_passes():
    BUY_LIMIT.validate(EURUSD, MARKET)
    replace(BUY_LIMIT, stop_loss=D("1.04"), take_profit=D("1.07")).validate(EURUSD, MARKET)
    OrderIntent(Side.SELL, OrderType.STOP_LIMIT, D(7), D("1.04"), D("1.05")).validate(EURUSD, MARKET)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"quantity": D(0)}, "quantity_out_of_range", "above 0"),
        ({"quantity": D(-1)}, "quantity_out_of_range", "above 0"),
        ({"quantity": D("NaN")}, "quantity_out_of_range", "NaN"),
        ({"quantity": D("Infinity")}, "quantity_out_of_range", "Infinity"),
        ({"quantity": D("1000001")}, "quantity_out_of_range", "1,000,000"),
        ({"quantity": D("1.000000001")}, "quantity_off_step", "steps of 1"),
        ({"quantity": D("0.5")}, "quantity_off_step", "steps of 1"),
        ({"limit_price": None}, "limit_price_missing", "needs a limit price"),
        ({"limit_price": D("1.000001")}, "limit_price_off_tick", "0.00001"),
        ({"limit_price": D(0)}, "limit_price_out_of_range", "above 0"),
        ({"limit_price": D("10000001")}, "limit_price_out_of_range", "10,000,000"),
        ({"stop_price": D("1.05")}, "stop_price_not_allowed", "takes no stop price"),
        ({"type": OrderType.MARKET}, "limit_price_not_allowed", "takes no limit price"),
        ({"type": OrderType.STOP_LIMIT}, "stop_price_missing", "needs a stop price"),
        ({"time_in_force": TimeInForce.GTD}, "expires_at_mismatch", "expires_at"),
        ({"expires_at": datetime(2017, 1, 1, tzinfo=UTC)}, "expires_at_mismatch", "expires_at"),
        ({"stop_loss": D("1.05")}, "stop_loss_wrong_side", "below 1.05"),
        ({"take_profit": D("1.05")}, "take_profit_wrong_side", "above 1.05"),
        ({"stop_loss": D("1.04"), "reduce_only": True}, "stop_loss_not_allowed", "only reduces"),
        ({"quantity": D(4)}, "below_min_notional", "worth 4.20"),
    ],
)
def test_each_fault_of_an_order_is_named_with_what_to_do(changes, code, words):
    with pytest.raises(InvalidOrder, match=words) as caught:
        replace(BUY_LIMIT, **changes).validate(EURUSD, MARKET)
    assert caught.value.code == code


def test_protection_of_a_sell_lies_mirrored():
    sell = OrderIntent(Side.SELL, OrderType.MARKET, D(1000), stop_loss=D("1.07"), take_profit=D("1.05"))
    sell.validate(EURUSD, MARKET)
    with pytest.raises(InvalidOrder, match=r"above 1\.06"):
        replace(sell, stop_loss=D("1.05")).validate(EURUSD, MARKET)


def test_nine_decimals_are_too_many_for_any_instrument():
    fine = InstrumentSpec("BTC/USDT", "USDT", D("0.01"), D("0.00000001"), D("0.00000001"))
    order = OrderIntent(Side.BUY, OrderType.MARKET, D("0.123456789"))
    with pytest.raises(InvalidOrder, match=r"steps of 0\.00000001"):
        order.validate(fine, D(60000))
    replace(order, quantity=D("0.12345678")).validate(fine, D(60000))


def test_prices_and_quantities_are_put_on_the_grid():
    assert EURUSD.round_price(D("1.0512349")) == D("1.05123")
    assert EURUSD.round_price_against(D("1.051231"), Side.BUY) == D("1.05124")
    assert EURUSD.round_price_against(D("1.051239"), Side.SELL) == D("1.05123")
    assert EURUSD.round_quantity(D("999.99")) == D(999)
