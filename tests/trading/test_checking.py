"""What a rule may answer: everything that cannot be traded is refused, with rule, column and candle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from algotrendy.trading.backtest.engine import backtest
from algotrendy.trading.errors import InvalidSignals
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies.base import Strategy, number
from algotrendy.trading.strategies.checking import ask, ask_actions
from algotrendy.trading.strategies.windows import signals_through_window
from tests.trading.backtest.builders import SPEC, plan
from tests.trading.builders import make_candles

CANDLES = make_candles([100.0, 101.0, 102.0, 103.0, 104.0])  # hours from 2017-01-02 00:00


def good() -> SignalColumns:
    """Buys on the third candle, and sells on the last."""
    return SignalColumns(
        np.array([0, 0, 1, 0, -1], dtype=np.int8),
        np.array([0.0, 0.2, 1.0, 0.0, 0.5]),
        np.array([np.nan, np.nan, 99.0, np.nan, 105.0]),
        np.array([np.nan, np.nan, 103.0, np.nan, np.nan]),
    )


@dataclass(frozen=True)
class Says(Strategy):
    """Says what it is told to."""

    name: ClassVar[str] = "says"
    title: ClassVar[str] = "Says"
    summary: ClassVar[str] = "Says what it is told to."
    word: ClassVar[Callable[[Any], Any]]

    late: int = number(0, "Candles before the first signal.", minimum=0, maximum=10)

    @property
    def warm_up(self):
        return self.late

    def signals(self, candles):
        return type(self).word(candles)

    def explain(self, candles, columns):
        return "told to"


def says(word, **parameters) -> Strategy:
    return type("Says", (Says,), {"word": staticmethod(word if callable(word) else lambda candles: word)})(**parameters)


def changed(name, row, value) -> SignalColumns:
    columns = good()
    getattr(columns, name)[row] = value
    return columns


def test_what_keeps_the_contract_is_handed_on_as_it_is():
    columns = good()
    assert ask(says(columns), CANDLES) is columns
    for exit_code in (2, -2):
        assert ask(says(changed("action", 3, exit_code)), CANDLES).action[3] == exit_code


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (None, "The rule says returned NoneType, not SignalColumns."),
        (lambda candles: good().action, "returned ndarray, not SignalColumns"),
        (replace(good(), action=[0, 0, 1, 0, -1]), "returned list as action, not an array of int8"),
        (replace(good(), action=np.zeros(5)), "returned an array of float64 as action, not of int8"),
        (replace(good(), confidence=np.zeros(4)), "returned 4 values as confidence for 5 candles"),
        (replace(good(), confidence=np.zeros((5, 1))), "returned 5 x 1 values as confidence for 5 candles"),
        (replace(good(), confidence=np.float64(1)), "returned float64 as confidence, not an array of float64"),
        (replace(good(), take_profit=np.full(5, None)), "returned an array of object as take_profit, not of float64"),
        (changed("action", 3, 3), "returned the unknown action 3 on candle 2017-01-02 03:00"),
        (changed("action", 0, -128), "returned the unknown action -128 on candle 2017-01-02 00:00"),
        (
            changed("confidence", 3, np.nan),
            "returned NaN confidence, which is not between 0 and 1, on candle 2017-01-02 03:00.",
        ),
        (changed("confidence", 1, 1.01), "returned 1.01 confidence, .* on candle 2017-01-02 01:00"),
        (changed("confidence", 1, -0.5), "returned -0.5 confidence"),
        (changed("confidence", 1, np.inf), "returned inf confidence"),
        (changed("stop_loss", 2, 102.0), "the stop loss 102, which is not below the close 102, on .* 02:00"),
        (changed("stop_loss", 2, -1.0), "the stop loss -1, which"),
        (changed("stop_loss", 2, -np.inf), "the stop loss -inf, which"),
        (changed("stop_loss", 4, 90.0), "the stop loss 90, which is not above the close 104, on .* 04:00"),
        (changed("take_profit", 2, 101.0), "the take profit 101, which is not above the close 102"),
        (changed("take_profit", 2, np.inf), "the take profit inf, which"),
        (changed("take_profit", 4, 104.5), "the take profit 104.5, which is not below the close 104"),
    ],
)
def test_what_cannot_be_traded_is_refused_with_its_candle(word, message):
    with pytest.raises(InvalidSignals, match=message):
        ask(says(word), CANDLES)


def test_a_signal_within_the_warm_up_is_refused():
    with pytest.raises(InvalidSignals, match="a signal within its warm-up of 3 on candle 2017-01-02 02:00"):
        ask(says(good(), late=3), CANDLES)
    with pytest.raises(InvalidSignals, match="within its warm-up"):
        ask_actions(says(good(), late=3), CANDLES)


def test_levels_of_a_row_that_holds_or_leaves_say_nothing():
    columns = changed("stop_loss", 3, 500.0)
    columns.action[2] = 2
    columns.stop_loss[2] = 500.0
    assert ask(says(columns), CANDLES) is columns


def test_a_rule_cannot_write_to_its_candles():
    def writes(candles):
        candles.close[0] = 1.0

    with pytest.raises(ValueError, match="read-only"):
        ask(says(writes), CANDLES)
    assert CANDLES.close[0] == 100.0
    assert CANDLES.close.flags.writeable


def test_live_backtest_and_window_refuse_alike():
    strategy = says(lambda candles: SignalColumns(*(getattr(changed("confidence", 4, np.nan), n) for n in _COLUMNS)))
    words = "The rule says returned NaN confidence, .* 2017-01-02 04:00"
    with pytest.raises(InvalidSignals, match=words):
        strategy.latest(CANDLES)
    with pytest.raises(InvalidSignals, match=words):
        backtest(strategy, CANDLES, SPEC, plan=plan(min_confidence=0.1))
    with pytest.raises(InvalidSignals, match=words):
        signals_through_window(strategy, CANDLES, 4)


def test_a_window_that_gives_too_few_rows_is_refused():
    with pytest.raises(InvalidSignals, match="5 values as action for 3 candles"):
        signals_through_window(says(good()), CANDLES, 2)


def test_a_parameter_without_annotations_of_the_future_has_its_type():
    """Files of their own need no `from __future__ import annotations`."""
    namespace = {"Says": Says, "dataclass": dataclass, "number": number}
    code = "@dataclass(frozen=True)\nclass Plain(Says):\n    size: int = number(3, 'A size.', minimum=1, maximum=5)\n"
    exec(compile(code, "plain.py", "exec", dont_inherit=True), namespace)  # noqa: S102
    assert [spec.kind for spec in namespace["Plain"].parameters()] == [int, int]


_COLUMNS = ("action", "confidence", "stop_loss", "take_profit")
