"""Searching parameters: what is tried, in which order, what is chosen, and how it goes on after an interruption."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algotrendy.trading.backtest.config import UNPROTECTED, Sizing, SizingRule, TradePlan
from algotrendy.trading.backtest.engine import backtest
from algotrendy.trading.backtest.metrics import Market, measure
from algotrendy.trading.backtest.optimizing.evaluating import Traded, Trial
from algotrendy.trading.backtest.optimizing.mapping import heat_map, plateau
from algotrendy.trading.backtest.optimizing.objective import METRICS, Comparator, Constraint, Objective
from algotrendy.trading.backtest.optimizing.outcomes import Outcome, Status, best_of
from algotrendy.trading.backtest.optimizing.searching import Search, planned, suggested, trials_of
from algotrendy.trading.backtest.optimizing.space import InvalidSpace, Space, space_of
from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.strategies.base import number
from algotrendy.trading.strategies.rsi import Rsi
from algotrendy.trading.strategies.sma_cross import SmaCross
from algotrendy.trading.strategies.vwap import Vwap
from tests.rules import TestRule
from tests.trading.backtest.builders import SPEC
from tests.trading.builders import eurusd

ALL_IN = TradePlan(sizing=Sizing(SizingRule.PERCENT_OF_CASH, Decimal(100)), protection=UNPROTECTED)
TENTHS = {"low": 1, "high": 99, "step": 0.1}
GRID = {"fast": {"low": 2, "high": 10, "step": 4}, "slow": {"values": [30, 8, 20]}}


def trial(objective: Objective, space: Space | None = None, bars: int = 1500, first: int = 0) -> Trial:
    series = [Traded(eurusd(bars), SPEC, first)]
    return Trial(space or space_of(SmaCross, GRID, {}), series, objective, Market.SESSIONS, ALL_IN)


# The space


def test_a_space_has_the_values_that_were_asked_for() -> None:
    space = space_of(
        Vwap, {"deviation": {"low": 1, "high": 2, "step": 0.25}, "volume_confirmation": {}}, {"period": 30}
    )
    assert [axis.values for axis in space.axes] == [(1.0, 1.25, 1.5, 1.75, 2.0), (False, True)]
    assert space.size == 10
    assert space.parameters((4, 0)) == {"period": 30, "deviation": 2.0, "volume_confirmation": False}
    assert [space.point(number) for number in (0, 1, 9)] == [(0, 0), (0, 1), (4, 1)]


@given(st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_every_number_is_another_point(lengths: list[int]) -> None:
    names = ["period", "oversold", "overbought"][: len(lengths)]
    asked = {name: {"values": list(range(2, 2 + n))} for name, n in zip(names, lengths, strict=False)}
    space = space_of(Rsi, asked, {})
    points = [space.point(number) for number in range(space.size)]
    assert points == list(itertools.product(*(range(length) for length in space.shape)))


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({}, InvalidSpace, "at least one parameter"),
        ({"speed": {"values": [1]}}, InvalidSpace, "sma_cross has no parameter speed; it has fast, slow"),
        ({"fast": {"values": []}}, InvalidSpace, "fast: values must be a list"),
        ({"fast": {"values": [0]}}, InvalidParameter, "fast must be between 1 and 400, not 0"),
        ({"fast": {"low": 10, "high": 5}}, InvalidSpace, "low 10 is above high 5"),
        ({"fast": {"low": 1, "high": 5, "step": 0}}, InvalidSpace, "step must be a number above 0"),
        ({"fast": {"low": 1, "high": 5, "step": 0.5}}, InvalidSpace, "does not fit"),
        ({"fast": {"low": 1.5, "high": 5}}, InvalidParameter, None),
        ({"fast": {"from": 1}}, InvalidSpace, "give values, or low and high"),
        ({"fast": {"low": 1, "high": "many"}}, Exception, None),
        ({"fast": {"low": 1, "high": 5, "step": float("nan")}}, InvalidSpace, "step"),
    ],
)
def test_a_space_that_cannot_be_names_the_parameter(asked: Any, error: type[Exception], words: str | None) -> None:
    with pytest.raises((InvalidSpace, InvalidParameter)) as refused:
        space_of(SmaCross, asked, {})
    assert isinstance(refused.value, error)
    assert words is None or words in refused.value.message


def test_searches_have_their_limits() -> None:
    large = space_of(SmaCross, {"fast": {"low": 1, "high": 400}, "slow": {"low": 2, "high": 500}}, {})
    with pytest.raises(InvalidSpace, match="199,600 points, more than 100,000"):
        trials_of(Search.GRID, large, None)
    with pytest.raises(InvalidSpace, match="1 to 20,000"):
        trials_of(Search.RANDOM, large, None)
    assert trials_of(Search.RANDOM, large, 50) == 50
    assert trials_of(Search.TPE, space_of(SmaCross, GRID, {}), 50) == 9  # there are no more


# What is tried


def test_a_grid_tries_all_and_random_no_point_twice() -> None:
    space = space_of(SmaCross, GRID, {})
    every = {space.point(number) for number in range(9)}
    for search in (Search.GRID, Search.RANDOM):
        points = planned(search, space, 7, 0, 9)
        assert len(points) == 9
        assert set(points) == every
    assert planned(Search.RANDOM, space, 7, 0, 9) != planned(Search.RANDOM, space, 8, 0, 9)


@pytest.mark.parametrize(
    "asked",
    [
        {"period": {"low": 2, "high": 100}},
        {
            "period": {},
            "oversold": {"low": 1, "high": 99, "step": 0.1},
            "overbought": {"low": 1, "high": 99, "step": 0.1},
        },
    ],
    ids=["small enough to exhaust", "190 million points"],
)
def test_a_random_search_in_pieces_is_the_whole(asked: Any) -> None:
    space = space_of(Rsi, asked, {})
    whole = planned(Search.RANDOM, space, 3, 0, 60)
    pieces = [planned(Search.RANDOM, space, 3, first, min(16, 60 - first)) for first in range(0, 60, 16)]
    assert [point for piece in pieces for point in piece] == whole
    assert len(set(whole)) == 60


def bowl(point: tuple[int, ...]) -> float:
    """Highest at (31, 7)."""
    return -((point[0] - 31) ** 2) / 50 - (point[1] - 7) ** 2


@dataclass(frozen=True)
class Wide(TestRule):
    name: ClassVar[str] = "wide"
    first: int = number(1, "x", minimum=0, maximum=60)
    second: int = number(1, "y", minimum=0, maximum=60)


def test_tpe_finds_the_top_sooner_than_chance_and_goes_on_as_it_was() -> None:
    space = space_of(Wide, {"first": {}, "second": {}}, {})
    found, by_chance = [], []
    for seed in range(5):
        told: list[Any] = []
        while len(told) < 80:
            told += [(point, bowl(point)) for point in suggested(space, seed, told, 16)]
        assert len({point for point, _ in told}) == 80
        again = suggested(space, seed, told[:64], 16)  # after an interruption
        assert [point for point, _ in told[64:]] == again
        found.append(max(value for _, value in told))
        by_chance.append(max(bowl(point) for point in planned(Search.RANDOM, space, seed, 0, 80)))
    assert np.median(found) > np.median(by_chance)


def test_tpe_ends_when_nothing_is_left() -> None:
    space = space_of(SmaCross, GRID, {})
    told = [(point, None) for point in planned(Search.GRID, space, 0, 0, 7)]
    assert len(suggested(space, 0, told, 16)) == 2


# What becomes of it


def test_each_trial_is_a_backtest_of_its_own_fast_or_not() -> None:
    fast = trial(Objective("total_return"))
    points = planned(Search.GRID, fast.space, 0, 0, 9)
    swept, slow = fast.run(points), trial(Objective("sortino")).run(points)
    for outcome, other in zip(swept, slow, strict=True):
        strategy = fast.space.strategy(outcome.point)
        if strategy is None:
            assert (outcome.status, other.status) == (Status.INVALID, Status.INVALID)
            continue
        metrics = measure(backtest(strategy, eurusd(1500), SPEC, plan=ALL_IN), Market.SESSIONS)
        for name in (
            "final_equity",
            "total_return",
            "annual_return",
            "sharpe",
            "max_drawdown",
            "calmar",
            "trade_count",
        ):
            group, field = METRICS[name]
            assert outcome.figures[name] == pytest.approx(getattr(getattr(metrics, group), field), rel=1e-9), name
            assert other.figures[name] == pytest.approx(outcome.figures[name], rel=1e-9)
        assert outcome.objective == outcome.figures["total_return"]
        assert other.objective == metrics.performance.sortino
    invalid = [fast.space.parameters(each.point) for each in swept if each.status is Status.INVALID]
    assert invalid == [{"fast": 10, "slow": 8}]


def test_what_breaks_a_constraint_is_not_chosen_and_says_why() -> None:
    free = trial(Objective("total_return"))
    points = planned(Search.GRID, free.space, 0, 0, 9)
    best = best_of(free.run(points), free.objective)
    assert best is not None
    bound = Constraint("trade_count", Comparator.AT_LEAST, best.figures["trade_count"] + 1)
    held = trial(Objective("total_return", constraints=(bound,)))
    outcomes = held.run(points)
    refused = next(outcome for outcome in outcomes if outcome.point == best.point)
    assert refused.status is Status.REFUSED
    assert refused.message == f"trade_count {best.figures['trade_count']:.4g} is below {bound.value:g}"
    chosen = best_of(outcomes, held.objective)
    assert chosen is not None
    allowed = [each.figures["total_return"] for each in outcomes if each.status is Status.OK]
    assert chosen.objective == max(allowed)


def test_smaller_is_better_where_it_is() -> None:
    found = trial(Objective("max_drawdown"))
    outcomes = found.run(planned(Search.GRID, found.space, 0, 0, 9))
    best = best_of(outcomes, found.objective)
    assert best is not None
    assert best.objective == min(each.figures["max_drawdown"] for each in outcomes if each.status is Status.OK)
    assert best_of(outcomes, Objective("max_drawdown", maximize=True)) != best


def test_a_rule_that_raises_on_one_set_fails_that_set_alone() -> None:
    @dataclass(frozen=True)
    class Moody(SmaCross):
        def actions(self, candles: Any) -> Any:
            if self.fast == 6:
                raise RuntimeError("not today")
            return super().actions(candles)

    space = space_of(Moody, {"fast": {"values": [2, 6, 10]}}, {"slow": 30})
    outcomes = trial(Objective("total_return"), space).run([(0,), (1,), (2,)])
    assert [each.status for each in outcomes] == [Status.OK, Status.FAILED, Status.OK]
    assert outcomes[1].message == "RuntimeError: not today"


def test_a_figure_that_does_not_exist_cannot_win() -> None:
    never = trial(
        Objective("profit_factor"), bars=40, space=space_of(SmaCross, {"slow": {"values": [45]}}, {"fast": 20})
    )
    (outcome,) = never.run([(0,)])
    assert outcome.status is Status.REFUSED
    assert best_of([outcome], never.objective) is None


def test_an_unknown_metric_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidSpace, match=r"no metric 'luck'; there are .*sharpe"):
        Objective("luck").validate()
    with pytest.raises(InvalidSpace, match="finite"):
        Objective("sharpe", constraints=(Constraint("sharpe", Comparator.AT_LEAST, float("nan")),)).validate()


# The map


def test_the_map_keeps_the_best_over_the_other_parameters() -> None:
    space = space_of(
        Rsi, {"period": {"values": [5, 9]}, "oversold": {"values": [20, 30]}, "overbought": {"values": [70, 80]}}, {}
    )
    values = {(0, 0, 0): 1.0, (0, 0, 1): 3.0, (1, 0, 0): 2.0, (1, 1, 1): -1.0}
    found = heat_map(space, values, "period", "oversold")
    assert (found.columns, found.rows) == ((5.0, 9.0), (20.0, 30.0))
    np.testing.assert_equal(found.cells, [[3.0, 2.0], [np.nan, -1.0]])
    assert heat_map(space, values, "period", "oversold", sign=-1).cells[0, 0] == 1.0


@pytest.mark.parametrize(("near", "verdict"), [(0.8, "passed"), (0.1, "warning"), (-0.5, "warning")])
def test_a_lonely_peak_is_a_warning(near: float, verdict: str) -> None:
    space = space_of(SmaCross, {"fast": {"values": [2, 3, 4]}, "slow": {"values": [10, 20, 30]}}, {})
    values = {point: near for point in space.neighbors((1, 1))} | {(1, 1): 1.0, (0, 0): -9.0}
    assert len(values) == 6
    assert plateau(space, values, (1, 1)).verdict == verdict


def test_a_best_without_neighbors_is_a_warning() -> None:
    space = space_of(SmaCross, {"fast": {"values": [2, 3, 4]}}, {})
    assert plateau(space, {(0,): 1.0}, (0,)).verdict == "warning"
    assert Outcome((0,), Status.OK).figures == {}
