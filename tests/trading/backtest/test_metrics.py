"""The figures of a backtest: by hand on small ones, and by plain Python from the published formulas on large ones."""

import itertools
import math
import statistics
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import numpy as np
import pytest

from algotrendy.trading.backtest.config import BacktestConfig, Entry, FillAt, Sizing, SizingRule
from algotrendy.trading.backtest.curves import buy_and_hold, drawdowns, months, underwater_periods
from algotrendy.trading.backtest.engine import backtest, simulate
from algotrendy.trading.backtest.excursions import excursions
from algotrendy.trading.backtest.metrics import Market, measure, returns_of
from algotrendy.trading.backtest.packing import Book
from algotrendy.trading.matching import Costs
from algotrendy.trading.signals import Direction
from algotrendy.trading.strategies import registry
from algotrendy.trading.values import Timeframe
from tests.trading.backtest.builders import FREE, SPEC, bars, columns, plan, run
from tests.trading.builders import eurusd

BOTH = plan(direction=Direction.BOTH)
HOURS_OF_A_YEAR = 365.25 * 24


def small():
    """Return three trades, of +10, -5 and +2, and one still open, on twelve hourly bars."""
    prices = [100, 100, 110, 110, 110, 105, 105, 105, 107, 107, 107, 108]
    actions = [1, -1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0]
    return run(bars(*prices), actions)


def test_the_trades_figures_by_hand():
    figures = measure(small(), Market.CONTINUOUS).trades
    assert (figures.count, figures.still_open) == (3, 1)
    assert figures.win_rate == pytest.approx(2 / 3)
    assert figures.profit_factor == pytest.approx(12 / 5)
    assert figures.expectancy == pytest.approx(7 / 3)
    assert figures.sqn == pytest.approx(math.sqrt(3) * (7 / 3) / statistics.stdev([10, -5, 2]))
    assert (figures.average_win, figures.average_loss) == (6, -5)
    assert (figures.largest_win, figures.largest_loss) == (10, -5)
    assert (figures.most_wins_in_a_row, figures.most_losses_in_a_row) == (1, 1)
    assert figures.average_seconds == 3600
    assert figures.average_share == pytest.approx((10 / 100 - 5 / 110 + 2 / 105) / 3)


def test_the_curves_figures_by_hand():
    performance = measure(small(), Market.CONTINUOUS).performance
    # Equity 1000, 1000, 1010 ..., 1005 ..., 1007 ..., 1008: the only loss is 5 of 1010, never made up.
    assert performance.final_equity == 1008
    assert performance.total_return == pytest.approx(0.008)
    assert performance.max_drawdown == pytest.approx(5 / 1010)
    assert performance.max_drawdown_seconds == 7 * 3600  # from the last bar at 1010 on
    assert performance.annual_return == pytest.approx(1.008 ** (HOURS_OF_A_YEAR / 12) - 1)
    assert performance.calmar == pytest.approx(performance.annual_return / (5 / 1010))
    assert performance.exposure == pytest.approx(5 / 12)  # at the closes 1, 4, 7 and 10, 11
    assert performance.periods_per_year == pytest.approx(HOURS_OF_A_YEAR)


def test_reasons_are_counted_with_their_profit():
    signals = columns([1, 0, 1, 0, 0], stop={0: 95.0}, target={2: 106.0})
    result = run(bars(100, (100, 100, 94, 95), 100, (100, 107, 100, 106), 100), signals, replace(plan(), protection=
        replace(plan().protection, from_signal=True)))  # fmt: skip
    reasons = {
        row.reason.value: (row.count, row.pnl, row.win_rate) for row in measure(result, Market.CONTINUOUS).reasons
    }
    assert reasons == {"stop_loss": (1, -5, 0), "take_profit": (1, 6, 1)}


def test_excursions_are_how_far_a_trade_went():
    # In at 100; then 104 to 97, then out at the open of 101 of a bar whose range does not count.
    result = run(bars(100, (100, 103, 98, 102), (102, 104, 97, 101), (101, 150, 50, 100)), [1, 0, -1, 0])
    worst, best = excursions(result)
    assert (worst[0], best[0]) == (pytest.approx(-0.03), pytest.approx(0.04))
    short = run(bars(100, (100, 103, 98, 102), (102, 104, 97, 101), (101, 150, 50, 100)), [-1, 0, 1, 0], BOTH)
    worst, best = excursions(short)
    assert (worst[0], best[0]) == (pytest.approx(-0.04), pytest.approx(0.03))


def test_an_entry_inside_its_bar_counts_that_bar_with_its_close():
    patient = plan(entry=Entry(limit_percent=D(2)))
    result = run(bars(100, (100, 110, 90, 99), (99, 100, 97.5, 99), 99), [1, 0, -1, 0], patient)
    worst, best = excursions(result)
    assert (worst[0], best[0]) == (pytest.approx(97.5 / 98 - 1), pytest.approx(100 / 98 - 1))


def test_times_below_a_peak_by_hand():
    equity = np.array([100.0, 110, 99, 105, 110, 111, 100, 105])
    time = np.arange(1, 9)
    assert drawdowns(equity, 100.0).tolist() == pytest.approx([0, 0, 0.1, 5 / 110, 0, 0, 11 / 111, 6 / 111])
    first, second = underwater_periods(time, equity, 100.0, 0)
    assert (first.start, first.bottom, first.end, first.seconds) == (2, 3, 5, 3)
    assert first.depth == pytest.approx(0.1)
    assert (second.start, second.bottom, second.end, second.seconds) == (6, 7, None, 2)
    (from_start,) = underwater_periods(time[:2], np.array([90.0, 95.0]), 100.0, 0)
    assert (from_start.start, from_start.bottom, from_start.end) == (0, 1, None)


def test_months_chain_to_the_whole_and_end_at_their_midnight():
    time = np.array([int(datetime(2024, m, d, tzinfo=UTC).timestamp()) for m, d in [(1, 31), (2, 1), (2, 15), (3, 1)]])
    table = months(time, np.array([101.0, 102.0, 90.0, 99.0]), 100.0)
    assert [(row.year, row.month) for row in table] == [(2024, 1), (2024, 2)]
    assert [row.share for row in table] == pytest.approx([0.02, 99 / 102 - 1])
    assert math.prod(1 + row.share for row in table) == pytest.approx(0.99)


def test_no_trade_gives_no_figure_where_there_is_none():
    metrics = measure(run(bars(100, 100, 100), [0, 0, 0]), Market.CONTINUOUS)
    nothing = [metrics.performance.sharpe, metrics.performance.calmar, metrics.trades.win_rate, metrics.trades.sqn]
    assert all(math.isnan(value) for value in [*nothing, metrics.trades.profit_factor, metrics.comparison.beta])
    assert (metrics.performance.total_return, metrics.performance.exposure, metrics.trades.count) == (0, 0, 0)


def test_gains_without_a_loss_are_an_endless_profit_factor():
    assert measure(run(bars(100, 100, 110), [1, -1, 0]), Market.CONTINUOUS).trades.profit_factor == math.inf


def test_all_in_and_never_out_is_buying_and_holding():
    rising = bars(*np.round(np.linspace(100, 130, 50), 2).tolist())
    fill_at_close = run(rising, [1] * 50, plan(sizing=Sizing(SizingRule.FIXED_QUANTITY, D(10))), fill_at=FillAt.CLOSE)
    comparison = measure(fill_at_close, Market.CONTINUOUS).comparison
    assert comparison.buy_and_hold_return == pytest.approx(0.3)
    assert fill_at_close.final_equity == pytest.approx(1300)
    assert (comparison.beta, comparison.correlation) == (pytest.approx(1), pytest.approx(1))
    assert comparison.alpha == pytest.approx(0, abs=1e-9)


def test_two_instruments_are_held_in_equal_parts():
    books = [
        Book(bars(100, 110, 120), np.zeros(3, dtype=np.int8), SPEC),
        Book(bars(10, 10, 5, symbol="U/USD"), np.zeros(3, dtype=np.int8), replace(SPEC, symbol="U/USD")),
    ]
    result = simulate(books, BacktestConfig(initial_cash=D(1000), costs=FREE))
    assert buy_and_hold(result).tolist() == pytest.approx([1000, 1050, 850])


@pytest.fixture(scope="module")
def real():
    """A year's worth of real hours, weekends missing, traded long and short."""
    spec = replace(SPEC, symbol="EUR/USD", price_tick=D("0.00001"))
    both = plan(direction=Direction.BOTH, sizing=Sizing(SizingRule.FIXED_QUANTITY, D(5000)))
    strategy = registry.build("sma_cross", {"fast": 10, "slow": 40})
    return backtest(strategy, eurusd(3000), spec, plan=both, config=BacktestConfig(costs=Costs(D("0.00002"), D(0))))


def test_the_ratios_are_those_of_their_formulas(real):
    metrics = measure(real, Market.SESSIONS)
    performance, comparison = metrics.performance, metrics.comparison
    equity = [10_000.0, *real.equity.tolist()]
    returns = [b / a - 1 for a, b in itertools.pairwise(equity)]
    span = (real.time[-1] - real.time[0] + 3600) / (365.25 * 86_400)
    per_year = len(returns) / span
    assert 5_000 < per_year < 7_000  # the market rests on weekends: fewer than the 8,766 hours of a year
    mean, spread = statistics.fmean(returns), statistics.stdev(returns)
    below = math.sqrt(math.fsum(min(r, 0) ** 2 for r in returns) / len(returns))
    assert performance.volatility == pytest.approx(spread * math.sqrt(per_year))
    assert performance.sharpe == pytest.approx(mean / spread * math.sqrt(per_year))
    assert performance.sortino == pytest.approx(mean / below * math.sqrt(per_year))
    assert performance.annual_return == pytest.approx((equity[-1] / equity[0]) ** (1 / span) - 1)
    closes = real.books[0].candles.close.tolist()
    market = [0.0] + [b / a - 1 for a, b in itertools.pairwise(closes)]
    beta = statistics.covariance(returns, market) / statistics.variance(market)
    assert comparison.beta == pytest.approx(beta)
    assert comparison.correlation == pytest.approx(statistics.correlation(returns, market))
    assert comparison.alpha == pytest.approx((mean - beta * statistics.fmean(market)) * per_year)


def test_the_drawdown_is_the_worst_of_all_pairs(real):
    equity = [10_000.0, *real.equity[::7].tolist()]
    result = replace(real, equity=real.equity[::7], bar_time=real.bar_time[::7])
    worst = max((peak - low) / peak for i, peak in enumerate(equity) for low in equity[i:])
    assert drawdowns(result.equity, 10_000.0).max() == pytest.approx(worst)


def test_the_parts_sum_to_the_whole(real):
    metrics = measure(real, Market.SESSIONS)
    assert math.prod(1 + month.share for month in metrics.months) == pytest.approx(real.final_equity / 10_000)
    assert sum(row.pnl for row in metrics.reasons) == pytest.approx(real.final_equity - 10_000)
    assert sum(row.count for row in metrics.reasons) == len(real.trades)
    assert np.prod(1 + returns_of(real.equity, 10_000.0)) == pytest.approx(real.final_equity / 10_000)
    assert metrics.underwater[0].depth == pytest.approx(metrics.performance.max_drawdown)
    worst, best = excursions(real)
    moved = real.trades.side * (real.trades.exit_price / real.trades.entry_price - 1)
    assert np.all(worst <= moved + 1e-12)
    assert np.all(moved <= best + 1e-12)


def test_a_year_is_annualized_by_the_length_of_its_bars():
    hourly, daily = (
        measure(run(bars(100, 100, 101, 100, 102, timeframe=frame), [1, 0, 0, 0, 0]), Market.CONTINUOUS).performance
        for frame in (Timeframe.H1, Timeframe.D1)
    )
    assert hourly.sharpe / daily.sharpe == pytest.approx(math.sqrt(24))


def test_the_ratios_are_those_of_quantstats_and_empyrical():
    """The expected figures are quantstats 0.0.86's and empyrical 0.7.1's for these returns at 365.25 days a year."""
    rng = np.random.default_rng(5)
    returns = np.round(rng.normal(0.0006, 0.012, 400), 6)
    market = np.round(0.5 * returns + rng.normal(0.0002, 0.01, 400), 6)
    market[0] = 0.0
    flat = run(bars(*(100 * np.cumprod(1 + market)).tolist(), timeframe=Timeframe.D1), [0] * 400, cash=10_000)
    metrics = measure(replace(flat, equity=10_000 * np.cumprod(1 + returns)), Market.CONTINUOUS)
    assert metrics.performance.sharpe == pytest.approx(-0.0401944203691451)
    assert metrics.performance.sortino == pytest.approx(-0.05798467364063626)
    assert metrics.performance.volatility == pytest.approx(0.22120229731749427)
    assert metrics.performance.max_drawdown == pytest.approx(0.21586107678491362)
    assert metrics.performance.annual_return == pytest.approx(-0.032733520826437545)
    assert metrics.performance.calmar == pytest.approx(-0.15164160817678857)
    assert metrics.comparison.beta == pytest.approx(0.4872781640107427)
    assert metrics.comparison.alpha == pytest.approx(-0.09433538905318929)
