"""Trading mode, allow-list, order rate, price band, leverage and the platform's ceilings, each at its edge."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from algotrendy.trading.risk import (
    AccountSnapshot,
    Approved,
    OrderEffect,
    RiskCeilings,
    RiskLimits,
    TradingMode,
    check_order,
    effective,
)

LIMITS = RiskLimits(max_position_size_percent=D(1000), max_total_exposure_percent=D(1000))
EMPTY = AccountSnapshot(equity=D(10_000), exposure=D(0), open_positions=0, position_value=D(0))
OPENING = OrderEffect(D(500), symbol="BTC/USD", prices=(D(100),), last_price=D(100))
REDUCING = OrderEffect(D(0), D(500), opens_position=False, symbol="BTC/USD")


def priced(*prices):
    return replace(OPENING, prices=tuple(map(D, prices)))


@pytest.mark.parametrize(
    ("limits", "account", "order", "code", "actual", "limit"),
    [
        ({"instruments": frozenset({"ETH/USD", "ADA/USD"})}, {}, OPENING, "instrument_not_allowed", "BTC/USD",
         "ADA/USD, ETH/USD"),
        ({"max_orders_per_minute": 3}, {"orders_last_minute": 3}, OPENING, "order_rate", "3", "3"),
        ({"price_band_percent": D(20)}, {}, priced("79.99"), "price_band", "20.01000000", "20"),
        ({"price_band_percent": D(20)}, {}, priced("120.01"), "price_band", "20.01000000", "20"),
        # The farther of limit and stop counts: 105 is 5 % off, 130 is 30 % off.
        ({"price_band_percent": D(20)}, {}, priced("105", "130"), "price_band", "30.00000000", "20"),
        # 10,000 of equity carries 15,000 at 1.5 times; 14,501 are out, the order adds 500.
        ({"max_leverage": D("1.5")}, {"exposure": D(14_501)}, OPENING, "max_leverage", "15001", "15000.0"),
    ],
)  # fmt: skip
def test_each_limit_denies_with_its_code_and_the_figures(limits, account, order, code, actual, limit):
    denied = check_order(replace(LIMITS, **limits), replace(EMPTY, **account), order)
    assert (denied.code, denied.figures["actual"], denied.figures["limit"]) == (code, actual, limit)


@pytest.mark.parametrize(
    ("limits", "account", "order"),
    [
        ({"instruments": frozenset({"BTC/USD"})}, {}, OPENING),
        ({"max_orders_per_minute": 3}, {"orders_last_minute": 2}, OPENING),
        ({"price_band_percent": D(20)}, {}, priced("80", "120")),
        ({"price_band_percent": D(20)}, {}, replace(OPENING, prices=())),
        ({"max_leverage": D("1.5")}, {"exposure": D(14_500)}, OPENING),
        ({}, {"orders_last_minute": 10_000}, priced("1")),
    ],
)
def test_a_limit_that_is_just_reached_or_not_set_lets_pass(limits, account, order):
    assert check_order(replace(LIMITS, **limits), replace(EMPTY, **account), order) == Approved()


def test_the_checks_run_in_their_stated_order():
    limits = RiskLimits(
        max_order_size=D(400), max_leverage=D(1), price_band_percent=D(5), max_orders_per_minute=1,
        instruments=frozenset({"ETH/USD"}),
    )  # fmt: skip
    account = AccountSnapshot(
        D(1000), exposure=D(900), open_positions=9, position_value=D(0), orders_last_minute=5,
        mode=TradingMode.REDUCING, halt_reason="Testing.",
    )  # fmt: skip
    order, codes = priced("150"), []
    for loosened in (
        {"mode": TradingMode.ACTIVE},
        {"instruments": frozenset()},
        {"max_orders_per_minute": None},
        {"price_band_percent": None},
        {"max_order_size": None},
        {"max_position_size_percent": D(1000)},
        {"max_concurrent_positions": 10},
        {"max_total_exposure_percent": D(1000)},
    ):
        codes.append(check_order(limits, account, order).code)
        if "mode" in loosened:
            account = replace(account, **loosened)
        else:
            limits = replace(limits, **loosened)
    codes.append(check_order(limits, account, order).code)
    assert codes == [
        "trading_reducing", "instrument_not_allowed", "order_rate", "price_band", "max_order_size",
        "max_position_size", "max_concurrent_positions", "max_total_exposure", "max_leverage",
    ]  # fmt: skip


def test_an_order_that_only_reduces_passes_every_limit():
    limits = RiskLimits(max_leverage=D(1), price_band_percent=D(1), max_orders_per_minute=1,
                        instruments=frozenset({"ETH/USD"}))  # fmt: skip
    account = replace(EMPTY, equity=D(-1), exposure=D(99_999), orders_last_minute=99)
    assert check_order(limits, account, replace(REDUCING, prices=(D(1),), last_price=D(100))) == Approved()


@pytest.mark.parametrize(
    ("mode", "order", "code"),
    [
        (TradingMode.ACTIVE, OPENING, None),
        (TradingMode.REDUCING, REDUCING, None),
        (TradingMode.REDUCING, OPENING, "trading_reducing"),
        (TradingMode.REDUCING, replace(OPENING, closing_value=D(900)), "trading_reducing"),
        (TradingMode.HALTED, REDUCING, "trading_halted"),
        (TradingMode.HALTED, OPENING, "trading_halted"),
        (TradingMode.HALTED, replace(REDUCING, passes_halts=True), None),
    ],
)
@pytest.mark.parametrize("enabled", [True, False])
def test_the_kill_switch_decides_before_all_limits_and_also_where_they_are_off(mode, order, code, enabled):
    account = replace(EMPTY, mode=mode, halt_reason="The venue is on fire.")
    decision = check_order(replace(LIMITS, enabled=enabled), account, order)
    assert getattr(decision, "code", None) == code
    if code:
        assert "The venue is on fire." in decision.message
        assert decision.figures["limit"] == "0"


def test_the_stricter_of_limit_and_ceiling_holds():
    limits = RiskLimits(
        max_position_size_percent=D(10), max_order_size=None, max_leverage=D(3), price_band_percent=D(5)
    )
    ceilings = RiskCeilings(
        max_position_size_percent=D(8), max_total_exposure_percent=D(60), max_order_size=D(700), max_leverage=D(2),
        price_band_percent=D(9), max_orders_per_minute=50,
    )  # fmt: skip
    held_to = effective(limits, ceilings)
    assert held_to == RiskLimits(
        max_position_size_percent=D(8), max_total_exposure_percent=D(50), max_order_size=D(700), max_leverage=D(2),
        price_band_percent=D(5), max_orders_per_minute=50,
    )  # fmt: skip


def test_without_ceilings_limits_stay_as_they_are_and_can_be_off():
    limits = RiskLimits(enabled=False, max_leverage=D(3), instruments=frozenset({"BTC/USD"}))
    assert effective(limits, RiskCeilings()) == limits


def test_limits_that_are_off_are_on_where_the_platform_has_a_ceiling():
    held_to = effective(RiskLimits(enabled=False), RiskCeilings(max_order_size=D(100)))
    assert check_order(held_to, EMPTY, OPENING).code == "max_order_size"
