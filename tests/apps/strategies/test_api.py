"""Strategies by the API: chosen from the rules, configured within their ranges, switched on and off."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.strategies.models import Strategy
from tests.builders import MARKET_TIME, make_signal
from tests.conftest import ClientFor, Desk


@pytest.fixture
def client(desk: Desk, client_for: ClientFor) -> APIClient:
    return client_for(desk.owner)


def _create(client: APIClient, desk: Desk, **changes: object) -> Any:
    body = {
        "portfolio": str(desk.portfolio.pk), "name": "Cross", "rule": "sma_cross", "symbol": "BTC/USD",
        "timeframe": "1h", "parameters": {"fast": 10}, **changes,
    }  # fmt: skip
    return client.post("/api/strategies", {k: v for k, v in body.items() if v is not None}, format="json")


def test_the_rules_tell_their_parameters(client: APIClient) -> None:
    rules = {rule["name"]: rule for rule in client.get("/api/strategies/rules").json()}
    assert list(rules) == [
        "momentum", "rsi", "macd", "mfi", "vwap", "sma_cross", "bollinger_reversion", "donchian_breakout",
        "conditions", "external",
    ]  # fmt: skip
    assert all(rule["title"] and rule["summary"] for rule in rules.values())
    parameters = {parameter["name"]: parameter for parameter in rules["rsi"]["parameters"]}
    assert list(parameters) == ["period", "oversold", "overbought"]
    assert (parameters["period"]["type"], parameters["period"]["default"]) == ("int", 14)
    assert parameters["period"]["minimum"] <= 14 <= parameters["period"]["maximum"]
    assert rules["vwap"]["parameters"][-1]["type"] == "bool"


def test_a_strategy_starts_disabled_with_every_parameter(client: APIClient, desk: Desk) -> None:
    response = _create(client, desk, sizing_value="2.50")
    assert response.status_code == 201
    strategy = response.json()
    assert (strategy["enabled"], strategy["symbol"], strategy["sizing_value"]) == (False, "BTC/USD", "2.5")
    assert strategy["parameters"] == {"fast": 10, "slow": 50}
    assert client.get(f"/api/strategies/{strategy['id']}").json() == strategy
    assert client.get("/api/strategies", {"enabled": "false"}).json()["results"] == [strategy]


def test_a_change_keeps_what_it_does_not_name(client: APIClient, desk: Desk) -> None:
    path = f"/api/strategies/{_create(client, desk).json()['id']}"
    response = client.patch(path, {"parameters": {"slow": 80}, "min_confidence": 0.6}, format="json")
    assert response.status_code == 200
    assert (response.json()["parameters"], response.json()["min_confidence"]) == ({"fast": 10, "slow": 80}, 0.6)
    assert client.patch(path, {"rule": "rsi"}, format="json").json()["parameters"] == {
        "period": 14,
        "oversold": 30,
        "overbought": 70,
    }


def test_a_strategy_is_switched_on_and_off_any_number_of_times(client: APIClient, desk: Desk) -> None:
    path = f"/api/strategies/{_create(client, desk).json()['id']}"
    answers = [client.post(f"{path}/{word}") for word in ("enable", "enable", "disable", "disable")]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.json()["enabled"] for answer in answers] == [True, True, False, False]


def test_a_strategy_that_could_not_run_is_not_enabled(client: APIClient, desk: Desk) -> None:
    path = f"/api/strategies/{_create(client, desk).json()['id']}"
    desk.instrument.is_active = False
    desk.instrument.save()
    response = client.post(f"{path}/enable")
    assert (response.status_code, response.json()["code"]) == (409, "strategy_not_ready")
    assert not Strategy.objects.get().enabled


@pytest.mark.parametrize(
    "changes",
    [
        {"rule": "astrology"},
        {"parameters": {"fast": 0}},
        {"parameters": {"fast": 60, "slow": 50}},
        {"parameters": {"fast": "ten"}},
        {"parameters": {"fast": 10.5}},
        {"parameters": {"fast": 10**30}},
        {"parameters": {"fast": -(10**400)}},
        {"parameters": {"quick": 10}},
        {"parameters": {"fast": None}},
        {"parameters": {"fast": [1]}},
        {"parameters": {"a\0": 1}},
        {"parameters": []},
        {"timeframe": "2h"},
        {"symbol": "NONE/USD"},
        {"sizing_value": "0"},
        {"sizing_value": "-5"},
        {"sizing_mode": "all"},
        {"min_confidence": 1.5},
        {"direction": "sideways"},
        {"name": ""},
        {"name": None},
        {"portfolio": None},
        {"enabled": True},
        {"slug": "mine"},
        {"owner": 1},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_what_a_strategy_cannot_be_is_refused_and_nothing_is_made(
    changes: dict[str, object], client: APIClient, desk: Desk
) -> None:
    response = _create(client, desk, **changes)
    assert response.status_code == 400
    assert response.json()["detail"]
    assert not Strategy.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [{"parameters": {"fast": 50}}, {"rule": "astrology"}, {"timeframe": "4h"}, {"name": ""}, {"sizing_value": "0"}],
    ids=str,
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(
    changes: dict[str, object], client: APIClient, desk: Desk
) -> None:
    path = f"/api/strategies/{_create(client, desk).json()['id']}"
    before = client.get(path).json()
    assert client.patch(path, changes, format="json").status_code == 400
    assert client.get(path).json() == before


def test_a_name_is_used_once_in_a_portfolio(client: APIClient, desk: Desk) -> None:
    _create(client, desk)
    response = _create(client, desk)
    assert response.status_code == 400
    assert Strategy.objects.count() == 1


def test_anothers_portfolio_cannot_be_traded(client: APIClient, desk: Desk, other_desk: Desk) -> None:
    response = _create(client, desk, portfolio=str(other_desk.portfolio.pk))
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "portfolio")
    assert not Strategy.objects.exists()


def test_signals_are_found_by_strategy_action_and_time(client: APIClient, desk: Desk) -> None:
    strategy = Strategy.objects.get(pk=_create(client, desk).json()["id"])
    make_signal(strategy, at=MARKET_TIME, price=Decimal("100.50"), stop_loss=Decimal("95.475"))
    query = {"strategy": str(strategy.pk), "action": "buy", "symbol": "BTC/USD", "since": "2024-03-01T12:00:00Z"}
    shown = client.get("/api/signals", query).json()["results"]
    assert [(row["strategy_name"], row["price"], row["stop_loss"], row["take_profit"]) for row in shown] == [
        ("Cross", "100.5", "95.475", None)
    ]
    assert shown[0]["at"] == "2024-03-01T12:00:00Z"
    assert client.get("/api/signals", {"until": "2024-03-01T12:00:00Z"}).json()["results"] == []
    assert client.get("/api/signals", {"action": "sell"}).json()["results"] == []
