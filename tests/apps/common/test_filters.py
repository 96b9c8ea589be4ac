"""A filter that is not understood is refused: it must not return every row."""

from __future__ import annotations

import pytest

from tests.builders import make_strategy
from tests.conftest import ClientFor, Desk


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("enabld=true", "unknown_parameter"),
        ("enabled=", "empty_parameter"),
        ("portfolio=", "empty_parameter"),
        ("symbol=BTC/USD&symbol=", "empty_parameter"),
        ("enabled=maybe", "invalid"),
        ("enabled=2", "invalid"),
        ("portfolio=2", "invalid"),
    ],
)
def test_a_filter_that_says_nothing_is_refused_by_name(
    query: str, code: str, desk: Desk, client_for: ClientFor
) -> None:
    make_strategy(desk.portfolio)
    answer = client_for(desk.owner).get(f"/api/strategies?{query}")
    assert answer.status_code == 400
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(query.partition("=")[0], code)]


@pytest.mark.parametrize(("word", "found"), [("true", ["On"]), ("True", ["On"]), ("false", ["Off"])])
def test_a_filter_by_truth_takes_true_and_false(word: str, found: list[str], desk: Desk, client_for: ClientFor) -> None:
    make_strategy(desk.portfolio, "On", enabled=True)
    make_strategy(desk.portfolio, "Off")
    answer = client_for(desk.owner).get("/api/strategies", {"enabled": word})
    assert [row["name"] for row in answer.json()["results"]] == found
