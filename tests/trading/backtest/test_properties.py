"""What holds for any bars and any signals: the slow exact reference agrees, money is conserved, runs repeat."""

from dataclasses import replace
from decimal import Decimal as D

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from algotrendy.trading.backtest import grid
from algotrendy.trading.backtest.config import (
    UNPROTECTED,
    BacktestConfig,
    Entry,
    FillAt,
    Protection,
    Sizing,
    SizingRule,
    TradePlan,
)  # fmt: skip
from algotrendy.trading.backtest.engine import prepare, run_through, simulate
from algotrendy.trading.backtest.kernel import run_single
from algotrendy.trading.backtest.layout import (
    A_COUNT,
    S_ENTRY,
    S_ENTRY_BAR,
    S_ENTRY_FEE,
    S_ENTRY_WHEN,
    S_HELD,
    S_ORDER_SIDE,
)  # fmt: skip
from algotrendy.trading.backtest.packing import Book
from algotrendy.trading.backtest.plain import is_plain, run_plain
from algotrendy.trading.backtest.results import REASONS
from algotrendy.trading.candles import Candles
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.matching import Costs
from algotrendy.trading.risk import RiskLimits
from algotrendy.trading.signals import Direction, SignalColumns
from algotrendy.trading.values import Timeframe, quantize
from tests.trading.backtest.reference import Reference

GRIDS = [("0.01", "1"), ("0.05", "0.001"), ("0.00001", "100"), ("0.25", "0.0001")]


def market(rng, symbol, timeframe, count, tick):
    """Return bars on the grid that jump, gap and now and then stand still."""
    scale = 400 * tick
    steps = np.rint(rng.normal(0, 12, (count, 4)) * rng.choice([0, 1, 3], (count, 1))).astype(int)
    close = 400 + np.cumsum(steps[:, 0])
    close = np.maximum(close, 40)
    opened = np.maximum(np.r_[400, close[:-1]] + (steps[:, 1] // 3), 40)
    high = np.maximum(opened, close) + np.abs(steps[:, 2])
    low = np.maximum(np.minimum(opened, close) - np.abs(steps[:, 3]), 1)
    prices = [np.round(column * tick, 8) for column in (opened, high, low, close)]
    step = int(timeframe.duration.total_seconds())
    assert scale > 0
    return Candles(symbol, timeframe, 1_704_067_200 + step * np.arange(count), *prices, np.full(count, 1000.0))


def word(rng, candles):
    """Return signals whose stops and targets lie at odd distances, some on the wrong side, some missing."""
    count = len(candles)
    codes = [-1, 0, 0, 1] if rng.random() < 0.6 else [-2, -1, 0, 0, 1, 2]
    action = rng.choice(codes, count).astype(np.int8)
    stop = candles.close * (1 - action * rng.choice([0.01, 0.03, 0.05, -0.01], count))
    target = candles.close * (1 + action * rng.choice([0.02, 0.06, -0.005], count))
    for column in (stop, target):
        column[rng.random(count) < 0.3] = np.nan
    return SignalColumns(action, rng.random(count), stop, target)


def sizing(rng, step, *, may_risk):
    rules = [SizingRule.PERCENT_OF_EQUITY, SizingRule.FIXED_QUANTITY, SizingRule.VOLATILITY_TARGET]
    rule = [*rules, *[SizingRule.RISK_PERCENT] * may_risk][rng.integers(3 + may_risk)]
    if rule is SizingRule.FIXED_QUANTITY:
        return Sizing(rule, D(step) * int(rng.integers(1, 9)))
    sizes = {SizingRule.RISK_PERCENT: [0.5, 1, 2.5], SizingRule.VOLATILITY_TARGET: [8, 20, 150]}
    return Sizing(rule, D(str(rng.choice(sizes.get(rule, [5, 12.5, 60])))))


def book(rng, symbol, timeframe, count):
    tick, step = GRIDS[rng.integers(len(GRIDS))]
    spec = InstrumentSpec(symbol, "USD", D(tick), D(step), D(step), D(int(rng.integers(0, 3))))
    candles = market(rng, symbol, timeframe, count, float(tick))
    protection = Protection(bool(rng.integers(2)), D(int(rng.choice([0, 4]))), D(int(rng.choice([0, 7]))))
    plan = TradePlan(
        direction=list(Direction)[rng.integers(3)],
        sizing=sizing(rng, step, may_risk=protection.from_signal or protection.stop_percent > 0),
        protection=protection,
        min_confidence=float(rng.choice([0, 0.3])),
    )
    return Book(candles, word(rng, candles), spec, plan, int(rng.integers(0, 9)), symbol)


def account(rng):
    return BacktestConfig(
        initial_cash=D(int(rng.choice([500, 10_000]))),
        costs=Costs(D(str(rng.choice([0, 0.001, 0.0007, 0.00125]))), D(str(rng.choice([0, 0.0005, 0.01])))),
        limits=RiskLimits(enabled=bool(rng.integers(2)), max_concurrent_positions=2),
    )


def rows(result):
    t = result.trades.closed
    return [
        (int(t.book[k]), int(t.side[k]), t.quantity[k], int(t.entry_bar[k]), int(t.exit_bar[k]), t.entry_price[k],
         t.exit_price[k], round(t.entry_fee[k], 8), round(t.exit_fee[k], 8),
         str(REASONS[t.reason[k]]))
        for k in range(len(t))
    ]  # fmt: skip


def plain(trades):
    return [tuple(float(value) if isinstance(value, D) else value for value in trade) for trade in trades]


@pytest.mark.parametrize("kinds", [["1h"], ["1h", "1h"], ["1h", "4h", "15m"]])
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_compiled_engine_trades_as_exact_decimals_do(kinds, seed):
    rng = np.random.default_rng(seed)
    agree([book(rng, f"I{n}/USD", Timeframe(kind), 120) for n, kind in enumerate(kinds)], account(rng))


def agree(books, config):
    expected, result = Reference(books, config).run(), simulate(books, config)
    assert plain(expected.trades) == rows(result)
    assert {code: count for code, count in result.denied.items() if count} == dict(expected.denied)
    assert result.skipped == expected.skipped
    equity = [float(expected.equity_at[int(time)]) for time in result.time]
    assert result.equity == pytest.approx(equity, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_several_strategies_on_one_instrument_do_too(seed):
    rng = np.random.default_rng(seed)
    one, other = (book(rng, f"I{n}/USD", Timeframe.H1, 120) for n in range(2))
    more = [
        replace(book(rng, "I0/USD", Timeframe.H1, 120), candles=one.candles, instrument=one.instrument, first=first)
        for first in (0, 30)
    ]
    books = [one, *(replace(item, signals=word(rng, one.candles)) for item in more), other]
    agree(books, account(rng))


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_short_way_is_the_long_one_to_the_last_bit(seed):
    rng = np.random.default_rng(seed)
    base = book(rng, "I/USD", Timeframe.H1, 300)
    sizes = [
        Sizing(SizingRule.PERCENT_OF_EQUITY, D(60)),
        Sizing(SizingRule.FIXED_QUANTITY, base.instrument.quantity_step * 7),
        Sizing(SizingRule.PERCENT_OF_CASH, D(int(rng.choice([30, 100])))),
    ]
    the_plan = replace(base.plan, sizing=sizes[rng.integers(3)], protection=UNPROTECTED)
    config = replace(account(rng), limits=RiskLimits(enabled=False))
    told = []
    for play in (run_plain, run_single):
        signals = replace(base.signals, action=base.signals.action.clip(-1, 1))
        run, _ = prepare([replace(base, plan=the_plan, signals=signals)], config)
        assert is_plain(run)
        equity, room = np.empty(300 - base.first), int(rng.choice([4, 64]))
        rows = run_through(lambda trades, at, *, p=play, r=run, e=equity: p(r, trades, e, base.first, at), base.first,
                           300, room)  # fmt: skip
        count = int(run.account[A_COUNT])
        held = [run.state[0, column] for column in (S_HELD, S_ENTRY, S_ENTRY_BAR, S_ENTRY_FEE, S_ENTRY_WHEN)]
        held = held if held[0] else []
        told.append((rows[:count].tobytes(), equity.tobytes(), run.account.tobytes(), held, run.state[0, S_ORDER_SIDE]))
    assert told[0] == told[1]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_money_is_conserved_whatever_is_switched_on(seed):
    rng = np.random.default_rng(seed)
    base = book(rng, "I/USD", Timeframe.H1, 200)
    plan = replace(
        base.plan,
        protection=replace(base.plan.protection, trail_percent=D(int(rng.choice([0, 3])))),
        entry=Entry(D(str(rng.choice([0, 0.5]))), int(rng.integers(1, 4))),
    )
    config = replace(account(rng), fill_at=list(FillAt)[rng.integers(2)])
    result = simulate([replace(base, plan=plan)], config)
    trades = result.trades
    assert result.final_equity == pytest.approx(float(config.initial_cash) + trades.pnl.sum(), abs=1e-5)
    assert result.fees == pytest.approx((trades.entry_fee + trades.exit_fee).sum(), abs=1e-5)
    assert result.cash()[-1] + (trades.side * trades.quantity * trades.exit_price)[~trades.is_closed].sum() == (
        pytest.approx(result.final_equity, abs=1e-5)
    )
    candles = base.candles
    slip = float(config.costs.slippage_rate)
    tick = float(base.instrument.price_tick)
    for bar, price in ((trades.entry_bar, trades.entry_price), (trades.exit_bar, trades.exit_price)):
        assert np.all(price <= candles.high[bar] * (1 + slip) + tick * 1.001)
        assert np.all(price >= candles.low[bar] * (1 - slip) - tick * 1.001)


def test_the_same_run_twice_is_the_same_to_the_last_bit():
    rng = np.random.default_rng(7)
    books = [book(rng, f"I{n}/USD", Timeframe.H1, 3000) for n in range(3)]
    first, second = (simulate(books, BacktestConfig()) for _ in range(2))
    assert first.equity.tobytes() == second.equity.tobytes()
    assert len(first.trades) > 100
    assert first.trades.pnl.tobytes() == second.trades.pnl.tobytes()


def test_trades_beyond_the_first_room_are_kept():
    rng = np.random.default_rng(3)
    count = 30_000
    candles = market(rng, "I/USD", Timeframe.M1, count, 0.01)
    action = np.tile(np.array([1, -1], dtype=np.int8), count // 2)
    spec = InstrumentSpec("I/USD", "USD", D("0.01"), D(1), D(1))
    plan = TradePlan(Direction.BOTH, Sizing(SizingRule.FIXED_QUANTITY, D(1)))
    result = simulate([Book(candles, action, spec, plan)], BacktestConfig(costs=Costs(D(0), D(0))))
    assert len(result.trades) >= count - 1
    assert result.final_equity == pytest.approx(10_000 + result.trades.pnl.sum(), abs=1e-4)


@settings(max_examples=400, deadline=None)
@given(
    price=st.decimals(D("0.00000001"), D(9_999_999), places=8) | st.decimals(D("0.01"), D(99_999), places=2),
    quantity=st.decimals(D("0.00000001"), D(1_000_000), places=8) | st.decimals(D("0.1"), D(9_999), places=1),
)
def test_a_product_is_the_decimals_product_to_the_last_digit(price, quantity):
    exact = quantize(price * quantity)
    assume(exact < D(40_000_000))  # beyond that a float has no 8 decimals
    assert grid.product(float(price), float(quantity)) == float(exact)


def test_a_fee_between_two_amounts_goes_to_the_even_one():
    assert grid.product(8479.768315, 0.001) == 8.47976832
    assert grid.product(8479.768325, 0.001) == 8.47976832
    assert grid.part(0.00000003, 1.0, 2.0) == 0.00000002
