"""The risk check: each limit at its edge, their order, and the exemptions."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from algotrendy.trading.risk import AccountSnapshot, Approved, Denied, OrderEffect, RiskLimits, check_order

LIMITS = RiskLimits()
EMPTY = AccountSnapshot(equity=D(10_000), exposure=D(0), open_positions=0, position_value=D(0))


def opening(value):
    return OrderEffect(opening_value=D(value))


@pytest.mark.parametrize(
    ("account", "limits", "value", "code", "actual", "limit"),
    [
        (EMPTY, LIMITS, "9.99999999", "min_order_size", "9.99999999", "10"),
        (EMPTY, replace(LIMITS, max_order_size=D(500)), "500.00000001", "max_order_size", "500.00000001", "500"),
        (EMPTY, LIMITS, "1000.00000001", "max_position_size", "1000.00000001", "1000"),
        (replace(EMPTY, position_value=D(600)), LIMITS, "401", "max_position_size", "1001", "1000"),
        (replace(EMPTY, open_positions=5), LIMITS, "100", "max_concurrent_positions", "5", "5"),
        (replace(EMPTY, exposure=D(4500)), LIMITS, "501", "max_total_exposure", "5001", "5000"),
        (replace(EMPTY, equity=D(0)), LIMITS, "100", "max_position_size", "100", "0"),
        (replace(EMPTY, equity=D(-5)), LIMITS, "100", "max_position_size", "100", "-0.5"),
    ],
)
def test_each_limit_denies_with_its_code_and_the_figures(account, limits, value, code, actual, limit):
    decision = check_order(limits, account, opening(value))
    assert isinstance(decision, Denied)
    assert decision.code == code
    assert D(decision.figures["actual"]) == D(actual)
    assert D(decision.figures["limit"]) == D(limit)


@pytest.mark.parametrize(
    ("account", "value"),
    [
        (EMPTY, "10"),
        (EMPTY, "1000"),
        (replace(EMPTY, position_value=D(600)), "400"),
        (replace(EMPTY, open_positions=4), "100"),
        (replace(EMPTY, exposure=D(4500)), "500"),
    ],
)
def test_a_limit_that_is_just_reached_is_not_passed(account, value):
    assert check_order(LIMITS, account, opening(value)) == Approved()


def test_the_checks_run_in_their_stated_order():
    breaks_all = replace(EMPTY, equity=D(10), open_positions=9, exposure=D(100))
    limits = replace(LIMITS, max_order_size=D(50))
    codes = []
    for loosened in (
        {},
        {"max_order_size": None},
        {"max_position_size_percent": D(1000)},
        {"max_concurrent_positions": 10},
    ):
        limits = replace(limits, **loosened)
        codes.append(check_order(limits, breaks_all, opening(60)).code)
    assert codes == ["max_order_size", "max_position_size", "max_concurrent_positions", "max_total_exposure"]


def test_an_order_that_only_reduces_passes_whatever_the_account():
    account = AccountSnapshot(equity=D(-1), exposure=D(9999), open_positions=99, position_value=D(9999))
    assert check_order(LIMITS, account, OrderEffect(opening_value=D(0), closing_value=D(1))) == Approved()


def test_adding_to_a_position_takes_no_further_slot():
    account = replace(EMPTY, open_positions=5, position_value=D(100), exposure=D(100))
    assert check_order(LIMITS, account, OrderEffect(D(100), opens_position=False)) == Approved()


def test_a_flip_is_judged_by_what_is_left_after_it():
    account = replace(EMPTY, open_positions=5, position_value=D(900), exposure=D(4900))
    flip = OrderEffect(opening_value=D(1000), closing_value=D(900), opens_position=False)
    assert check_order(LIMITS, account, flip) == Approved()
    too_much = replace(flip, opening_value=D("1000.01"))
    assert check_order(LIMITS, account, too_much).code == "max_position_size"


def test_limits_switched_off_let_everything_pass():
    assert check_order(replace(LIMITS, enabled=False), replace(EMPTY, open_positions=99), opening(10**6)) == Approved()
