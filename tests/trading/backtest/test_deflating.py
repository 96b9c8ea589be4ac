"""The deflated Sharpe ratio against the paper's own example, and walk-forward against what it must not know."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from algotrendy.trading.backtest.config import UNPROTECTED, Sizing, SizingRule, TradePlan
from algotrendy.trading.backtest.engine import backtest
from algotrendy.trading.backtest.honesty import Searched, examine
from algotrendy.trading.backtest.metrics import Market, measure
from algotrendy.trading.backtest.optimizing.deflating import (
    Trials,
    deflated_sharpe,
    expected_best,
    probabilistic_sharpe,
)
from algotrendy.trading.backtest.optimizing.evaluating import Traded, Trial
from algotrendy.trading.backtest.optimizing.folds import Walk, folds_of
from algotrendy.trading.backtest.optimizing.objective import Objective
from algotrendy.trading.backtest.optimizing.outcomes import best_of
from algotrendy.trading.backtest.optimizing.searching import Search, planned
from algotrendy.trading.backtest.optimizing.space import InvalidSpace, space_of
from algotrendy.trading.backtest.optimizing.walking import (
    curve_figures,
    efficiency,
    stability,
    stitched,
    walk_fold,
)
from algotrendy.trading.strategies.sma_cross import SmaCross
from tests.trading.backtest.builders import SPEC
from tests.trading.builders import eurusd

ALL_IN = TradePlan(sizing=Sizing(SizingRule.PERCENT_OF_CASH, Decimal(100)), protection=UNPROTECTED)
HOUR = 3600


# Bailey and López de Prado's numerical example: an annual Sharpe ratio of 2.5 over five years of days, trials whose
# annual ratios vary by 1/2, skewness -3, kurtosis 10.


@pytest.mark.parametrize(("count", "probability"), [(100, 0.9004), (46, 0.9505)])
def test_the_papers_example(count: int, probability: float) -> None:
    hurdle = expected_best(Trials(count, 0.5 / 250))
    found = probabilistic_sharpe(2.5 / math.sqrt(250), hurdle, 1250, -3, 10)
    assert found == pytest.approx(probability, abs=5e-4)


def test_the_papers_hurdle() -> None:
    assert expected_best(Trials(100, 0.5 / 250)) == pytest.approx(0.1132, abs=5e-5)
    assert expected_best(Trials(1, 0.5 / 250)) == 0.0


def test_a_normal_ratio_without_other_trials_is_the_classical_one() -> None:
    rng = np.random.default_rng(5)
    returns = rng.normal(0.001, 0.01, 400)
    found = deflated_sharpe(returns, Trials(1, 0.0))
    assert found is not None
    # Lo's standard error of a Sharpe ratio for normal returns: sqrt((1 + SR² / 2) / T).
    sharpe = returns.mean() / returns.std(ddof=1)
    z = sharpe / math.sqrt((1 + sharpe**2 / 2) / 400)
    assert found.probability == pytest.approx(0.5 * (1 + math.erf(z / math.sqrt(2))), abs=0.01)
    assert deflated_sharpe(np.zeros(50), Trials(5, 0.1)) is None


def test_the_report_counts_the_trials() -> None:
    candles = eurusd(1500)
    strategy = SmaCross(fast=5, slow=20)
    result = backtest(strategy, candles, SPEC, plan=ALL_IN)
    alone = examine([strategy], result, Market.SESSIONS)
    searched = examine([strategy], result, Market.SESSIONS, searched=Searched(Trials(500, 0.01)))
    assert "deflated_sharpe" not in [check.name for check in alone.checks]
    check = next(check for check in searched.checks if check.name == "deflated_sharpe")
    assert check.verdict == "warning"
    assert "After 500 trials" in check.message


# Walk-forward


def trial(candles: Any) -> Trial:
    space = space_of(SmaCross, {"fast": {"values": [3, 5, 8]}, "slow": {"values": [13, 21, 34]}}, {})
    return Trial(space, [Traded(candles, SPEC)], Objective("total_return"), Market.SESSIONS, ALL_IN)


def test_folds_meet_without_gap_or_overlap() -> None:
    time = np.arange(0, 100 * HOUR, HOUR, dtype=np.int64)
    rolling = folds_of(time, HOUR, walk=Walk.ROLLING, choose=40, trade=20)
    anchored = folds_of(time, HOUR, walk=Walk.ANCHORED, choose=40, trade=20)
    assert [(f.begin // HOUR, f.middle // HOUR, f.end // HOUR) for f in rolling] == [
        (0, 40, 60), (20, 60, 80), (40, 80, 100),
    ]  # fmt: skip
    assert [f.begin for f in anchored] == [0, 0, 0]
    assert [f.middle for f in anchored] == [f.middle for f in rolling]
    short = folds_of(time[:69], HOUR, walk=Walk.ROLLING, choose=40, trade=20)
    assert [f.end // HOUR for f in short] == [60]  # nine candles are no stretch
    with pytest.raises(InvalidSpace, match="30 candles are too few"):
        folds_of(time[:30], HOUR, walk=Walk.ROLLING, choose=40, trade=20)
    with pytest.raises(InvalidSpace, match="folds, more than 200"):
        folds_of(np.arange(0, 1000 * HOUR, HOUR), HOUR, walk=Walk.ROLLING, choose=40, trade=1)


def test_a_choice_is_the_best_of_its_past_and_is_traded_after_it() -> None:
    candles = eurusd(1200)
    fold = folds_of(candles.time, HOUR, walk=Walk.ROLLING, choose=600, trade=300)[1]
    walked = walk_fold(trial(candles), fold, search=Search.GRID, trials=None, seed=1)
    first, middle, last = (int(candles.time.searchsorted(each)) for each in (fold.begin, fold.middle, fold.end))
    past = Trial(
        trial(candles).space,
        [Traded(candles.head(middle), SPEC, first)],
        Objective("total_return"),
        Market.SESSIONS,
        ALL_IN,
    )
    expected = best_of(past.run(planned(Search.GRID, past.space, 0, 0, 9)), past.objective)
    assert walked.chosen == expected
    assert expected is not None
    strategy = SmaCross(**past.space.parameters(expected.point))
    alone = backtest(strategy, candles.head(last), SPEC, plan=ALL_IN, start=candles.open_time_at(middle))
    np.testing.assert_array_equal(walked.equity, alone.equity)
    assert walked.tried == 9


@pytest.mark.parametrize("search", [Search.GRID, Search.RANDOM, Search.TPE])
def test_no_choice_knows_a_later_candle(search: Search) -> None:
    candles = eurusd(1200)
    fold = folds_of(candles.time, HOUR, walk=Walk.ANCHORED, choose=600, trade=300)[0]
    row = int(candles.time.searchsorted(fold.middle))

    def upset(column: Any) -> Any:
        changed = column.copy()
        changed[row:] = column[row:][::-1] * 3
        return changed

    other = replace(
        candles, open=upset(candles.open), high=upset(candles.high), low=upset(candles.low), close=upset(candles.close)
    )
    chosen, upside_down = (walk_fold(trial(each), fold, search=search, trials=6, seed=4) for each in (candles, other))
    assert chosen.chosen == upside_down.chosen
    assert not np.array_equal(chosen.equity, upside_down.equity)


def test_the_stitched_curve_goes_on_where_the_last_one_ended() -> None:
    candles = eurusd(1500)
    asked = trial(candles)
    folds = folds_of(candles.time, HOUR, walk=Walk.ROLLING, choose=600, trade=300)
    walked = [walk_fold(asked, fold, search=Search.GRID, trials=None, seed=1) for fold in folds]
    time, equity = stitched(walked, 10_000)
    growth = np.prod([each.equity[-1] / 10_000 for each in walked])
    assert equity[-1] == pytest.approx(10_000 * growth)
    assert len(time) == len(equity) == sum(len(each.time) for each in walked)
    assert (np.diff(time) > 0).all()
    figures = curve_figures(time, equity, 10_000, folds[0].middle, Market.SESSIONS, HOUR)
    assert figures["total_return"] == pytest.approx(growth - 1)
    peaks = np.maximum(np.maximum.accumulate(equity), 10_000)
    assert figures["max_drawdown"] == pytest.approx((1 - equity / peaks).max())


def test_a_curves_figures_are_the_metrics() -> None:
    candles = eurusd(1500)
    result = backtest(SmaCross(fast=5, slow=20), candles, SPEC, plan=ALL_IN)
    figures = curve_figures(result.time, result.equity, 10_000, int(candles.time[0]), Market.SESSIONS, HOUR)
    performance = measure(result, Market.SESSIONS).performance
    for name, value in figures.items():
        assert value == pytest.approx(getattr(performance, name)), name


def test_a_fold_without_a_choice_trades_nothing() -> None:
    candles = eurusd(400)
    space = space_of(SmaCross, {"slow": {"values": [300]}}, {"fast": 200})
    never = Trial(space, [Traded(candles, SPEC)], Objective("profit_factor"), Market.SESSIONS, ALL_IN)
    fold = folds_of(candles.time, HOUR, walk=Walk.ROLLING, choose=100, trade=100)[0]
    walked = walk_fold(never, fold, search=Search.GRID, trials=None, seed=0)
    assert walked.chosen is None
    assert set(walked.equity.tolist()) == {10_000.0}


def test_efficiency_and_stability() -> None:
    assert efficiency(0.1, [0.1, 0.3]) == pytest.approx(0.5)
    assert math.isnan(efficiency(0.1, [-0.2]))
    found = stability([{"fast": 2}, {"fast": 4}], ["fast"])
    assert found["fast"] == pytest.approx(1 / 3)  # a deviation of 1 over a mean of 3
