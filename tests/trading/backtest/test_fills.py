"""What a backtest makes of bars and signals, by figures worked out by hand."""

from dataclasses import replace
from decimal import Decimal as D

import numpy as np
import pytest

from algotrendy.trading.backtest.config import (
    UNPROTECTED,
    BacktestConfig,
    Entry,
    FillAt,
    InvalidBacktest,
    Protection,
    Sizing,
    SizingRule,
)  # fmt: skip
from algotrendy.trading.backtest.engine import simulate
from algotrendy.trading.backtest.packing import Book
from algotrendy.trading.matching import Costs
from algotrendy.trading.risk import RiskLimits
from algotrendy.trading.signals import Direction
from algotrendy.trading.values import Timeframe
from tests.trading.backtest.builders import FREE, SPEC, bars, columns, plan, run, told

BOTH = plan(direction=Direction.BOTH)
SHORT = plan(direction=Direction.SHORT_ONLY)


def guarded(direction=Direction.LONG_ONLY, **changes):
    return plan(direction=direction, protection=Protection(stop_percent=D(0), target_percent=D(0), **changes))


def test_a_signal_fills_at_the_next_open_and_its_opposite_closes():
    result = run(bars(100, (101, 105, 100, 104), 104, (103, 103, 99, 100)), [1, 0, -1, 0])
    assert told(result) == [(1, 1.0, 1, 3, 101.0, 103.0, "signal")]
    assert result.equity.tolist() == [1000, 1003, 1003, 1002]  # bought at 101; marked 104, 104; sold at 103
    assert result.cash().tolist() == [1000, 899, 899, 1002]


def test_a_signal_on_the_last_bar_is_never_filled():
    assert told(run(bars(100, 100), [0, 1])) == []


def test_a_signal_may_fill_at_its_own_close():
    result = run(bars(100, (101, 105, 100, 104), 104), [1, -1, 0], fill_at=FillAt.CLOSE)
    assert told(result) == [(1, 1.0, 0, 1, 100.0, 104.0, "signal")]
    assert result.equity.tolist() == [1000, 1004, 1004]


def test_fees_are_of_both_fills_and_slippage_goes_against_the_taker_to_the_next_tick():
    costs = Costs(D("0.001"), D("0.0005"))
    result = run(bars(100, 101, 102, 103), [1, 0, -1, 0], costs=costs)
    # 101 x 1.0005 = 101.0505, up to 101.06; 103 x 0.9995 = 102.9485, down to 102.94.
    assert told(result)[0][4:6] == (101.06, 102.94)
    assert result.trades.entry_fee[0] == 0.10106
    assert result.trades.exit_fee[0] == 0.10294
    assert result.final_equity == pytest.approx(1000 - 101.06 + 102.94 - 0.10106 - 0.10294, abs=1e-9)
    assert result.fees == pytest.approx(0.204, abs=1e-9)


def test_a_price_on_the_tick_stays_there_without_slippage():
    for price in (0.07, 1.1, 8.29, 33.33, 1234.56, 99999.99):
        result = run(bars(price, price, price), [1, 0, 0], cash=1_000_000)
        assert told(result)[0][4] == price


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((100, 104, 96, 100), None),
        ((100, 104, 95, 100), (95.0, "stop_loss")),  # reached exactly
        ((94, 96, 93, 95), (94.0, "stop_loss")),  # the open is beyond it: at the open
        ((100, 106, 99, 100), (106.0, "take_profit")),
        ((107, 108, 100, 107), (107.0, "take_profit")),  # better than asked, at the open
        ((100, 107, 94, 100), (95.0, "stop_loss")),  # both: the worse is assumed
        ((107, 108, 90, 100), (107.0, "take_profit")),  # at the open the target was certain, and first
    ],
)
def test_a_long_leaves_at_its_stop_or_target(bar, expected):
    signals = columns([1, 0, 0, 0], stop={0: 95.0}, target={0: 106.0})
    rows = told(run(bars(100, 100, bar, 100), signals, guarded()))
    assert (rows[0][5:] if rows[0][6] != "still_open" else None) == expected


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ((100, 106, 95, 100), (105.0, "stop_loss")),
        ((106, 107, 104, 105), (106.0, "stop_loss")),
        ((100, 101, 94, 100), (94.0, "take_profit")),
        ((93, 99, 92, 95), (93.0, "take_profit")),
        ((100, 106, 93, 100), (105.0, "stop_loss")),
    ],
)
def test_a_short_mirrors_it(bar, expected):
    signals = columns([-1, 0, 0, 0], stop={0: 105.0}, target={0: 94.0})
    rows = told(run(bars(100, 100, bar, 100), signals, guarded(Direction.SHORT_ONLY)))
    assert rows[0][5:] == expected


def test_an_entry_is_protected_within_the_bar_of_its_fill():
    signals = columns([1, 0, 0], stop={0: 95.0})
    assert told(run(bars(100, (100, 101, 94, 99), 99), signals, guarded())) == [
        (1, 1.0, 1, 1, 100.0, 95.0, "stop_loss")
    ]
    # A gap through the stop: in and out at the open, as a stop that rests there would be.
    assert told(run(bars(100, (94, 99, 93, 99), 99), signals, guarded())) == [(1, 1.0, 1, 1, 94.0, 94.0, "stop_loss")]


def test_a_stop_pays_slippage_and_a_target_does_not():
    costs = Costs(D(0), D("0.001"))
    signals = columns([1, 0, 0, 1, 0, 0], stop={0: 95.0, 3: 90.0}, target={3: 106.0})
    rows = told(
        run(bars(100, 100, (100, 100, 94, 100), 100, 100, (100, 107, 99, 100)), signals, guarded(), costs=costs)
    )
    assert [row[5] for row in rows] == [94.9, 106.0]  # 95 x 0.999 = 94.905, down


def test_a_flip_closes_and_opens_by_one_order():
    result = run(bars(100, 100, 110, 110, 104), [1, 0, -1, 0, 0], BOTH, costs=Costs(D("0.001"), D(0)))
    assert told(result) == [
        (1, 1.0, 1, 3, 100.0, 110.0, "signal"),
        (-1, 1.0, 3, 4, 110.0, 104.0, "still_open"),
    ]
    assert result.trades.exit_fee[0] == result.trades.entry_fee[1] == 0.11
    assert result.final_equity == pytest.approx(1000 + 10 + 6 - 0.1 - 0.22, abs=1e-9)


def test_a_flip_whose_position_is_stopped_at_the_same_open_only_opens():
    signals = columns([1, 0, -1, 0], stop={0: 95.0})
    rows = told(run(bars(100, 100, 100, 90), signals, guarded(Direction.BOTH)))
    assert rows == [(1, 1.0, 1, 3, 100.0, 90.0, "stop_loss"), (-1, 1.0, 3, 3, 90.0, 90.0, "still_open")]


def test_an_exit_whose_position_is_stopped_at_the_same_open_is_gone():
    signals = columns([1, 0, -1, 0, 0], stop={0: 95.0})
    assert told(run(bars(100, 100, 100, 90, 90), signals, guarded())) == [(1, 1.0, 1, 3, 100.0, 90.0, "stop_loss")]


def test_a_signal_in_the_held_direction_adds_nothing_and_directions_are_kept():
    assert len(told(run(bars(*[100] * 6), [1, 1, 1, -1, -1, -1]))) == 1
    assert told(run(bars(*[100] * 4), [1, -1, 0, 1], SHORT))[0][0] == -1


def test_a_trailing_stop_follows_the_best_price_of_the_bars_before():
    trailing = plan(protection=replace(UNPROTECTED, trail_percent=D(10)))
    # In at 100: stop 90. The bar that makes 120 also falls to 105, which no path proves; then the stop is 108.
    rows = told(run(bars(100, 100, (100, 120, 105, 118), (118, 119, 107, 110), 110), [1, 0, 0, 0, 0], trailing))
    assert rows == [(1, 1.0, 1, 3, 100.0, 108.0, "trailing_stop")]
    fallen = told(run(bars(100, 100, (100, 101, 89, 90), 90), [1, 0, 0, 0], trailing))
    assert fallen == [(1, 1.0, 1, 2, 100.0, 90.0, "trailing_stop")]


def test_a_trailing_stop_never_loosens_the_stop():
    tight = plan(protection=Protection(stop_percent=D(2), target_percent=D(0), trail_percent=D(10)))
    assert told(run(bars(100, 100, (100, 105, 98, 99), 99), [1, 0, 0, 0], tight))[0][5:] == (98.0, "stop_loss")


def test_a_limit_entry_waits_for_its_price_and_is_protected_from_the_next_bar_on():
    patient = guarded()
    patient = replace(patient, entry=Entry(limit_percent=D(2), limit_bars=2))
    signals = columns([1, 0, 0, 0], stop={0: 95.0})
    # 98 is reached by the second bar, which also falls below the stop: order unknown, so it is not stopped there.
    rows = told(run(bars(100, (100, 101, 99, 100), (99, 99, 94, 96), (96, 97, 94, 95)), signals, patient))
    assert rows == [(1, 1.0, 2, 3, 98.0, 95.0, "stop_loss")]
    assert told(run(bars(100, (97, 99, 96, 98), 98), columns([1, 0, 0]), patient))[0][4] == 97.0  # better, at the open
    missed = run(bars(100, 100, 100, (100, 100, 90, 95)), columns([1, 0, 0, 0]), patient)
    assert (told(missed), missed.canceled) == ([], 1)
    overtaken = run(bars(100, 100, (99, 99, 90, 95), 95), columns([1, -1, 0, 0]), patient)
    assert (told(overtaken), overtaken.canceled) == ([], 1)


def test_a_flip_with_a_limit_entry_closes_at_market_and_opens_at_its_price():
    patient = replace(BOTH, entry=Entry(limit_percent=D(2), limit_bars=3))
    rows = told(run(bars(100, (98, 98, 97, 98), 98, 98, (99, 101, 98, 100)), [1, 0, -1, 0, 0], patient))
    assert rows == [(1, 1.0, 1, 3, 98.0, 98.0, "signal"), (-1, 1.0, 4, 4, 99.96, 100.0, "still_open")]


def test_size_by_equity_is_judged_at_the_signal_and_by_cash_at_the_fill():
    half = plan(sizing=Sizing(SizingRule.PERCENT_OF_EQUITY, D(50)))
    assert told(run(bars(99, 110, 110), [1, 0, 0], half))[0][1] == 5.0  # 500 / 99
    cash = plan(sizing=Sizing(SizingRule.PERCENT_OF_CASH, D(100)))
    rows = told(run(bars(99, 110, 110), [1, 0, 0], cash, costs=Costs(D("0.01"), D(0))))
    assert rows[0][1] == 9.0  # 1000 / (110 x 1.01) = 9.0009


def test_what_the_instrument_does_not_take_is_skipped():
    small = replace(SPEC, min_quantity=D(2))
    result = run(bars(100, 100, 100), [1, 1, 0], spec=small)
    assert (told(result), result.skipped) == ([], 2)
    cheap = run(bars(100, 100), [1, 0], spec=replace(SPEC, min_notional=D("100.01")))
    assert (told(cheap), cheap.skipped) == ([], 1)
    assert run(bars(0.01, 0.01), [1, 0], plan(sizing=Sizing(SizingRule.FIXED_QUANTITY, D(1_000_001)))).skipped == 1


def test_the_contract_size_multiplies_what_a_unit_is_worth():
    result = run(bars(10, 10, 12, 12), [1, 0, 0, 0], spec=replace(SPEC, contract_size=D(50)))
    assert result.final_equity == 1100


@pytest.mark.parametrize(
    ("limits", "quantity", "code"),
    [
        (RiskLimits(min_order_size=D("100.01")), 1, "min_order_size"),
        (RiskLimits(max_order_size=D(99)), 1, "max_order_size"),
        (RiskLimits(), 2, "max_position_size"),
        (RiskLimits(max_concurrent_positions=0), 1, "max_concurrent_positions"),
        (RiskLimits(max_total_exposure_percent=D(9)), 1, "max_total_exposure"),
        (RiskLimits(), 1, None),  # exactly 10 % of 1000
    ],
)
def test_the_limits_are_those_of_live_orders(limits, quantity, code):
    the_plan = plan(sizing=Sizing(SizingRule.FIXED_QUANTITY, D(quantity)))
    result = run(bars(100, 100), [1, 0], the_plan, limits=limits)
    assert {name for name, count in result.denied.items() if count} == ({code} if code else set())
    assert len(told(result)) == (0 if code else 1)


def test_low_confidence_is_passed_over():
    assert told(run(bars(100, 100), columns([1, 0], confidence=0.4), plan(min_confidence=0.5))) == []


def test_several_instruments_share_one_account():
    one, two = bars(100, 100, 110, 110), bars(50, 50, 50, 40, symbol="U/USD")
    all_in = plan(sizing=Sizing(SizingRule.PERCENT_OF_EQUITY, D(60)))
    books = [
        Book(one, np.array([1, 0, 0, 0], dtype=np.int8), SPEC, all_in, name="one"),
        Book(two, np.array([0, 0, 1, 0], dtype=np.int8), replace(SPEC, symbol="U/USD"), all_in, name="two"),
    ]
    result = simulate(books, BacktestConfig(initial_cash=D(1000), costs=FREE))
    # 6 units at 100; at 110 the account is worth 1060, of which 60 % are 12 units at 50, bought at 40.
    assert [(row[1], row[4]) for row in told(result)] == [(6.0, 100.0), (12.0, 40.0)]
    assert result.equity.tolist() == [1000, 1000, 1060, 1060]
    assert result.cash().tolist() == [1000, 400, 400, -80]


def test_a_second_instrument_is_held_against_the_whole_accounts_limits():
    flat = bars(100, 100, 100)
    other = bars(100, 100, 100, symbol="U/USD")
    both = np.array([1, 0, 0], dtype=np.int8)
    books = [Book(flat, both, SPEC, plan()), Book(other, both, replace(SPEC, symbol="U/USD"), plan())]
    limits = RiskLimits(max_total_exposure_percent=D(15))
    result = simulate(books, BacktestConfig(initial_cash=D(1000), costs=FREE, limits=limits))
    assert (len(result.trades), result.denied["max_total_exposure"]) == (1, 1)  # the first one's order counts already


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"initial_cash": D(0)}, "initial cash"),
        ({"costs": Costs(D("0.2"), D(0))}, "commission is a share"),
        ({"costs": Costs(D(0), D("-0.1"))}, "slippage is a share"),
    ],
)
def test_a_senseless_account_is_refused(change, words):
    with pytest.raises(InvalidBacktest, match=words):
        run(bars(1, 1), [0, 0], **change)


@pytest.mark.parametrize(
    ("the_plan", "words"),
    [
        (plan(sizing=Sizing(value=D(0))), "above 0"),
        (plan(sizing=Sizing(SizingRule.PERCENT_OF_CASH, D(101))), "100 percent"),
        (plan(protection=Protection(stop_percent=D(100))), "stop is a distance"),
        (plan(entry=Entry(limit_bars=0)), "limit entry"),
    ],
)
def test_a_senseless_plan_is_refused(the_plan, words):
    with pytest.raises(InvalidBacktest, match=words):
        run(bars(1, 1), [0, 0], the_plan)


def test_books_that_do_not_fit_are_refused():
    book = Book(bars(1, 1), np.zeros(2, dtype=np.int8), SPEC, plan())
    daily = Book(bars(1, 1, timeframe=Timeframe.D1), np.zeros(2, dtype=np.int8), SPEC, plan())
    for books, words in (
        ([], "nothing to trade"),
        ([replace(book, signals=np.zeros(3, dtype=np.int8))], "do not fit"),
        ([replace(book, first=2)], "No candle"),
        ([book, daily], "two timeframes"),
        ([book, replace(book, candles=bars(1, 1, 1), signals=np.zeros(3, dtype=np.int8))], "the same candles"),
    ):
        with pytest.raises(InvalidBacktest, match=words):
            simulate(books, BacktestConfig())


def test_an_exit_closes_what_it_names_and_opens_nothing():
    candles = bars(10, 10, 10, 12, 12, 11, 11, 9, 9)
    both = plan(direction=Direction.BOTH)
    # Buy, close the long (twice: the second finds nothing), sell, close a long (there is none), close the short.
    result = run(candles, [1, 0, -2, -2, -1, -2, 2, 2, 0], both)
    assert told(result) == [(1, 1, 1, 3, 10, 12, "signal"), (-1, 1, 5, 7, 11, 9, "signal")]
    assert run(candles, [2, -2, 2, -2, 2, -2, 2, -2, 2], both).trades.pnl.size == 0


def test_an_exit_takes_back_a_limit_entry_of_its_side():
    candles = bars(10, 10, 10, 8, 8)
    patient = plan(entry=Entry(D(10), 5))
    assert len(run(candles, [1, 0, 0, 0, 0], patient).trades) == 1  # filled at 9 on the fourth bar's open of 8
    taken_back = run(candles, [1, -2, 0, 0, 0], patient)
    assert (len(taken_back.trades), taken_back.canceled) == (0, 1)
    assert len(run(candles, [1, 2, 0, 0, 0], patient).trades) == 1  # the other side's exit leaves it
