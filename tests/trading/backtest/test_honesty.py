"""The honesty report: each check finds the fault that it is for, and leaves an honest run alone."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import ClassVar

import numpy as np
import pytest

from algotrendy.trading import indicators
from algotrendy.trading.backtest import honesty
from algotrendy.trading.backtest.config import BacktestConfig, Sizing, SizingRule
from algotrendy.trading.backtest.engine import backtest
from algotrendy.trading.backtest.gaps import gaps_of
from algotrendy.trading.backtest.metrics import Market
from algotrendy.trading.backtest.resampling import bootstrap, trade_returns
from algotrendy.trading.backtest.verdicts import Verdict
from algotrendy.trading.signals import CODES, Direction, SignalColumns
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.base import Strategy, number
from algotrendy.trading.strategies.windows import signals_through_window, window_length
from tests.trading.backtest.builders import FREE, SPEC, bars, columns, plan, run
from tests.trading.builders import eurusd

REAL = eurusd(2500)
EUR = replace(SPEC, symbol="EUR/USD", price_tick=D("0.00001"))
BOTH = plan(direction=Direction.BOTH, sizing=Sizing(SizingRule.FIXED_QUANTITY, D(5000)))


@dataclass(frozen=True)
class Peeks(Strategy):
    """Buys what will have risen: `ahead` candles from now, or by the whole history's mean."""

    name: ClassVar[str] = "peeks"
    title: ClassVar[str] = "Peeks"
    summary: ClassVar[str] = "Looks ahead."
    ahead: int = number(1, "Candles it looks ahead; 0 compares with the mean of all.", minimum=0, maximum=100)

    @property
    def warm_up(self):
        return 0

    def signals(self, candles):
        close = candles.close
        later = np.r_[close[self.ahead :], close[len(close) - self.ahead :]] if self.ahead else close.mean()
        action = np.sign(later - close).astype(np.int8)
        nothing = np.full(len(candles), np.nan)
        return SignalColumns(action, np.ones(len(candles)), nothing, nothing)

    def explain(self, candles, columns):
        return ""


def traded(strategy, candles=REAL, **options):
    return backtest(strategy, candles, EUR, plan=BOTH, config=BacktestConfig(costs=FREE), **options)


@pytest.mark.parametrize("ahead", [0, 1, 5])
def test_a_strategy_that_looks_ahead_is_found_out(ahead):
    check = honesty.look_ahead(Peeks(ahead=ahead), REAL, 0)
    assert check.verdict is Verdict.FAILED
    assert check.share > 0.2


@pytest.mark.parametrize("name", registry.names())
def test_no_shipped_strategy_looks_ahead(name):
    assert honesty.look_ahead(registry.build(name, {}), REAL, 100).verdict is Verdict.PASSED


def test_a_memory_longer_than_the_window_is_told():
    assert honesty.warm_up(registry.build("rsi", {}), REAL, 600).verdict is Verdict.PASSED
    long = registry.build("rsi", {"period": 200, "oversold": 49.0, "overbought": 51.0})
    check = honesty.warm_up(long, REAL, 900)
    assert check.verdict is Verdict.WARNING
    assert 0 < check.share < 0.5
    assert "--as-live" in check.message


def test_the_window_changes_wilders_average_by_as_much_as_is_stated():
    close = REAL.close[:2000]
    for period in (14, 100):
        window = max(500, 4 * period)
        full = indicators.rsi(close, period)
        seen = [indicators.rsi(close[row - window + 1 : row + 1], period)[-1] for row in range(1500, 2000)]
        apart = np.abs(full[1500:] - seen).max()
        # The share of the start that is left, of at most the 100 points between two RSIs.
        left = (1 - 1 / period) ** (window - period - 1)
        assert apart <= 100 * left + 1e-9
        assert (apart > 1e-3) == (period == 100)


@pytest.mark.parametrize("name", registry.names())
def test_through_its_window_a_strategy_says_what_its_latest_says(name):
    strategy = registry.build(name, {})
    candles = REAL.head(700)
    seen = signals_through_window(strategy, candles, 640)
    codes = {action.value: code for code, action in CODES.items()}
    for row in range(640, 700):
        word = strategy.latest(candles.head(row + 1).tail(window_length(strategy)))
        assert (seen.action[row], seen.confidence[row]) == (codes[word.action.value], word.confidence)
        assert seen.stop_loss[row] == pytest.approx(word.stop_loss if word.stop_loss else np.nan, nan_ok=True)
    assert not seen.action[:640].any()


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize("still", [0, 40])
def test_the_short_way_to_the_actions_gives_those_of_the_signals(name, still):
    strategy = registry.build(name, {})
    candles = replace(REAL, close=np.r_[np.full(still, REAL.close[0]), REAL.close[still:]])
    before = candles.close.copy()
    assert np.array_equal(strategy.actions(candles), strategy.signals(candles).action)
    assert np.array_equal(candles.close, before)


def test_the_short_way_holds_at_a_tie_and_works_on_the_close_itself():
    prices = [100.0] * 60 + [101.0] * 5
    strategy = registry.build("sma_cross", {"fast": 1, "slow": 50})
    candles = bars(*prices)
    assert strategy.actions(candles).tolist() == [0] * 60 + [1] * 5
    assert candles.close.tolist() == prices


def test_trades_are_held_against_parameters():
    few = honesty.sample_size(registry.build("macd", {}), run(bars(*[100, 101] * 20), [1, -1] * 20))
    assert (few.verdict, few.share) == (Verdict.WARNING, 19 / 5)
    many = honesty.sample_size(registry.build("sma_cross", {}), run(bars(*[100, 101] * 40), [1, -1] * 40))
    assert many.verdict is Verdict.PASSED
    assert many.message.startswith("39 closed trades for 2 parameters")


def test_the_band_of_equal_trades_is_a_point_and_of_unequal_ones_wide():
    equal = run(bars(*[100, 100, 101, 101] * 20), [1, -1, 0, 0] * 20)
    shares = trade_returns(equal)
    assert shares[:2] == pytest.approx([1 / 1000, 1 / 1001])
    band = bootstrap(equal, seed=1)
    assert band.low == pytest.approx(band.high, abs=2e-3)
    assert (band.loss_share, band.drawdown) == (0, 0)
    wild = bootstrap(run(bars(*[100, 100, 180, 180, 100, 100, 40, 40] * 8), [1, -1, 0, 0] * 16), seed=1)
    assert wild.low < wild.median < wild.high
    assert wild == bootstrap(run(bars(*[100, 100, 180, 180, 100, 100, 40, 40] * 8), [1, -1, 0, 0] * 16), seed=1)


def test_the_median_draw_is_near_the_result_itself():
    result = traded(registry.build("sma_cross", {"fast": 5, "slow": 20}))
    band = bootstrap(result, seed=3)
    assert band.low < result.final_equity / 10_000 - 1 < band.high
    assert band.median == pytest.approx(result.final_equity / 10_000 - 1, abs=0.25 * (band.high - band.low))


def test_without_trades_there_is_no_band_and_that_is_said():
    band = bootstrap(run(bars(100, 100), [0, 0]), seed=1)
    assert band is None
    assert honesty.chance(band).verdict is Verdict.WARNING


def test_fills_on_dead_bars_are_counted():
    moving = [(100, 101, 99, 100)] * 6
    clean = honesty.stale_fills(run(bars(*moving), [1, -1, 0, 1, 0, 0]))
    assert (clean.verdict, clean.message[:9]) == (Verdict.PASSED, "All 3 fil")
    candles = bars(*moving[:2], 100, *moving[:3])
    candles.volume[4] = 0
    dead = honesty.stale_fills(run(candles, columns([1, -1, 0, 1, 0, 0])))
    assert (dead.verdict, dead.share) == (Verdict.WARNING, pytest.approx(2 / 3))


def hours(*spans):
    return np.concatenate([np.arange(begin, end) for begin, end in spans]).astype(np.int64) * 3600


def test_a_gap_is_a_loss_unless_the_market_rests_then_every_week():
    weekdays = [(168 * week, 168 * week + 120) for week in range(10)]
    assert gaps_of(hours(*weekdays), 3600, Market.SESSIONS).count == 0
    assert gaps_of(hours(*weekdays), 3600, Market.SESSIONS).regular == 9
    whole = gaps_of(hours(*weekdays), 3600, Market.CONTINUOUS)
    assert (whole.count, whole.missing) == (9, 9 * 48)
    broken = hours(*weekdays[:3], (504, 540), (547, 624), *weekdays[4:])
    lost = gaps_of(broken, 3600, Market.SESSIONS)
    assert (lost.count, lost.missing, lost.largest, lost.largest_after) == (1, 7, 7, 539 * 3600)


def test_missing_bars_are_told_with_their_place():
    check = honesty.missing_bars(bars(*[1] * 10), 0, Market.CONTINUOUS)
    assert check.verdict is Verdict.PASSED
    candles = bars(*[1] * 10)
    candles.time[5:] += 3 * 3600
    check = honesty.missing_bars(candles, 0, Market.CONTINUOUS)
    assert check.verdict is Verdict.WARNING
    place = datetime.fromtimestamp(int(candles.time[4]), UTC)
    assert f"3 bars are missing in 1 gap, the most after {place:%Y-%m-%d %H:%M}: 3." in check.message


def test_the_whole_report_on_real_candles_is_the_same_each_time():
    strategy = registry.build("sma_cross", {})
    result = traded(strategy)
    report = honesty.examine([strategy], result, Market.SESSIONS)
    assert tuple(check.name for check in report.checks) == honesty.NAMES[:6]  # the others are of a search
    assert report == honesty.examine([strategy], result, Market.SESSIONS)
    assert report.worst in (Verdict.WARNING, Verdict.PASSED)
