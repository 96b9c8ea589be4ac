"""Strategies made of conditions: what they say on hand-made candles, and which documents are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.signals import Action
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.conditions import EXAMPLE
from tests.trading.builders import eurusd, make_candles


def one(left: Any, comparison: str, right: Any, **more: Any) -> dict[str, Any]:
    return {"conditions": [{"left": left, "is": comparison, "right": right, **more}]}


def actions(closes: list[float], **groups: Any) -> list[int]:
    return registry.build("conditions", {"rules": groups}).signals(make_candles(closes)).action.tolist()


def test_each_comparison() -> None:
    closes = [9, 10, 11, 10, 9, 11, 12.0]
    assert actions(closes, entry_long=one("close", "above", 10)) == [0, 0, 1, 0, 0, 1, 1]
    assert actions(closes, entry_long=one("close", "below", 10)) == [1, 0, 0, 0, 1, 0, 0]
    assert actions(closes, entry_long=one("close", "crosses_above", 10)) == [0, 0, 1, 0, 0, 1, 0]
    assert actions(closes, entry_long=one("close", "crosses_below", 10)) == [0, 0, 0, 0, 1, 0, 0]
    assert actions(closes, entry_long=one("close", "between", 10, upper=11)) == [0, 1, 1, 1, 0, 1, 0]
    assert actions(closes, entry_long=one("close", "outside", 10, upper=11)) == [1, 0, 0, 0, 1, 0, 1]


def test_joined_by_all_or_any() -> None:
    closes = [9, 10, 11, 12.0]
    two = [{"left": "close", "is": "above", "right": 9.5}, {"left": "close", "is": "below", "right": 11.5}]
    assert actions(closes, entry_long={"join": "all", "conditions": two}) == [0, 1, 1, 0]
    assert actions(closes, entry_long={"join": "any", "conditions": two}) == [1, 1, 1, 1]


def test_exits_entries_and_what_wins() -> None:
    closes = [10, 11, 12, 9, 8.0]
    groups = {
        "entry_long": one("close", "above", 11.5),
        "exit_long": one("close", "below", 9.5),
        "entry_short": one("close", "below", 8.5),
        "exit_short": one("close", "above", 10.5),
    }
    # At 12 the entry wins over leaving a short, at 8 the short over leaving a long: each closes the other side too.
    assert actions(closes, **groups) == [0, 2, 1, -2, -1]
    assert actions(closes, entry_long=one("close", "above", 0), entry_short=one("close", "above", 0)) == [0] * 5


def test_indicators_with_their_output_column_and_age() -> None:
    closes = [10, 20, 30, 20, 10, 40.0]
    mean = {"indicator": "sma", "parameters": {"timeperiod": 2}}
    assert actions(closes, entry_long=one("close", "above", mean)) == [0, 1, 1, 0, 0, 1]
    before = {"indicator": "close", "ago": 2}
    assert actions(closes, entry_long=one("close", "above", before)) == [0, 0, 1, 0, 0, 1]
    aged = {**mean, "ago": 1}  # the means are 15, 25, 25, 15, 25
    assert actions(closes, entry_long=one("close", "above", aged)) == [0, 0, 1, 0, 0, 1]
    upper = {
        "indicator": "bbands",
        "parameters": {"timeperiod": 2, "nbdevup": 0.0, "nbdevdn": 1.0},
        "output": "upperband",
    }
    assert actions(closes, entry_long=one("close", "above", upper)) == actions(
        closes, entry_long=one("close", "above", mean)
    )


def test_stop_target_confidence_and_words() -> None:
    rule = registry.build(
        "conditions",
        {
            "rules": {
                "entry_long": one("close", "above", {"indicator": "sma", "parameters": {"timeperiod": 3}}),
                "stop_percent": 4,
                "target_percent": 0,
                "confidence": 0.8,
            }
        },
    )
    signal = rule.latest(make_candles([10, 10, 10, 20.0]))
    assert (signal.action, signal.confidence, signal.take_profit) == (Action.BUY, 0.8, None)
    assert signal.stop_loss == pytest.approx(19.2)
    assert signal.reason == "Entry long: close above SMA(3) (SMA(3) 13.3333)"
    leaving = registry.build(
        "conditions", {"rules": {"entry_long": one("close", "above", 90), "exit_long": one("close", "below", 30)}}
    )
    signal = leaving.latest(make_candles([40, 20.0]))
    assert (signal.action, signal.stop_loss) == (Action.CLOSE_LONG, None)


def test_nothing_is_said_before_the_longest_operand_is_known() -> None:
    rule = registry.build("conditions", {"rules": EXAMPLE})
    assert rule.warm_up == 26  # EMA 26 is known after 25 candles, a cross one later
    columns = rule.signals(eurusd(600))
    assert not columns.action[:26].any()
    assert set(np.unique(columns.action)) == {-2, 0, 1}


def test_the_document_comes_back_complete_and_in_one_form() -> None:
    rule = registry.build("conditions", {"rules": {"entry_long": one({"indicator": "rsi"}, "below", 30)}})
    document = rule.rules  # type: ignore[attr-defined]
    assert document["entry_long"]["conditions"][0]["left"] == {"indicator": "rsi", "parameters": {"timeperiod": 14}}
    assert (document["exit_short"], document["stop_percent"]) == ({"join": "all", "conditions": []}, 3.0)
    again = registry.build("conditions", {"rules": document})
    assert again == rule
    assert hash(again) == hash(rule)
    assert rule.fitted == 4  # a period, a threshold, stop and target


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "must be an object"),
        ({}, "entry_long or entry_short needs a condition"),
        ({"enter": {}}, "there is no 'enter'; there are entry_long"),
        ({"entry_long": {"join": "some"}}, "entry_long.join must be all or any"),
        ({"entry_long": {"conditions": [1] * 9}}, "a list of at most 8"),
        ({"entry_long": {"conditions": [7]}}, "entry_long.conditions[0]: give left, is and right"),
        ({"entry_long": one("close", "near", 1)}, "conditions[0].is must be one of"),
        ({"entry_long": one("close", "above", "price")}, "conditions[0].right must be one of open, high"),
        ({"entry_long": one("close", "between", 1)}, "between needs upper"),
        ({"entry_long": one("close", "above", 1, upper=2)}, "above takes no upper"),
        ({"entry_long": one({"indicator": "tea"}, "above", 1)}, "conditions[0].left: There is no indicator 'tea'"),
        (
            {"entry_long": one({"indicator": "sma", "parameters": {"timeperiod": 0}}, "above", 1)},
            "left: timeperiod must be",
        ),
        ({"entry_long": one({"indicator": "sma", "output": "fast"}, "above", 1)}, "left.output of sma is one of real"),
        ({"entry_long": one({"indicator": "atr", "of": "volume"}, "above", 1)}, "left.of cannot be chosen for atr"),
        ({"entry_long": one({"indicator": "sma", "ago": -1}, "above", 1)}, "left.ago must be a whole number"),
        ({"entry_long": one("close", "above", True)}, "right must be a number, a column or an indicator"),
        ({"entry_long": one("close", "above", float("nan"))}, "right must be a number"),
        ({"entry_long": one("close", "above", 1), "stop_percent": 100}, "stop_percent must be between 0 and 99"),
    ],
)
def test_a_document_that_cannot_be_names_the_place(document: Any, words: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        registry.build("conditions", {"rules": document})
    assert words in refused.value.message
