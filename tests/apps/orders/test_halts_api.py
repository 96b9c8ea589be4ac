"""Halts by the API: begun, listed and ended by whom they are for."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.accounts.services import api_key_create
from apps.portfolio.models import TradingHalt
from tests.builders import make_halt, make_strategy
from tests.conftest import ClientFor, Desk

HALTS = "/api/halts"


def test_a_portfolio_is_halted_and_its_orders_are_refused_until_the_halt_is_ended(
    desk: Desk, client_for: ClientFor
) -> None:
    client = client_for(desk.owner)
    asked = {"width": "portfolio", "portfolio": str(desk.portfolio.pk), "reason": "Going on holiday."}
    answer = client.post(HALTS, asked, format="json")
    assert answer.status_code == 201
    made = answer.json()
    assert {name: made[name] for name in ("width", "mode", "cause", "reason", "flatten", "until", "book")} == {
        "width": "portfolio", "mode": "halted", "cause": "person", "reason": "Going on holiday.", "flatten": False,
        "until": None, "book": "",
    }  # fmt: skip
    assert (made["started_by"], made["ended_at"], made["ended_by"]) == ("trader", None, None)
    order = {"portfolio": str(desk.portfolio.pk), "symbol": "BTC/USD", "side": "buy", "type": "market", "quantity": "1"}
    refused = client.post("/api/orders", {**order, "client_order_id": "one"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "trading_halted")
    assert refused.json()["figures"] == {"actual": "100.00000000", "limit": "0"}
    ended = client.post(f"{HALTS}/{made['id']}/end")
    assert (ended.status_code, ended.json()["ended_by"]) == (200, "trader")
    assert client.post("/api/orders", {**order, "client_order_id": "two"}, format="json").status_code == 201
    again = client.post(f"{HALTS}/{made['id']}/end")
    assert (again.status_code, again.json()["code"]) == (409, "halt_is_over")


def test_a_strategy_is_halted_by_its_id(desk: Desk, client_for: ClientFor) -> None:
    strategy = make_strategy(desk.portfolio)
    asked = {"width": "strategy", "strategy": str(strategy.pk), "mode": "reducing", "reason": "It drifts."}
    made = client_for(desk.owner).post(HALTS, asked, format="json").json()
    assert (made["portfolio"], made["book"], made["mode"]) == (str(desk.portfolio.pk), strategy.slug, "reducing")


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"width": "platform"}, 403, "halt_not_allowed"),
        ({"width": "portfolio"}, 400, "invalid_halt"),
        ({"width": "strategy"}, 400, "invalid_halt"),
        ({"width": "platform", "until": "2020-01-01T00:00:00Z"}, 400, "invalid_halt"),
        ({"width": "platform", "mode": "active"}, 400, "invalid"),
        ({"width": "platform", "reason": ""}, 400, "invalid"),
        ({"width": "galaxy"}, 400, "invalid"),
    ],
)
def test_what_cannot_be_halted_is_refused(
    wrong: dict[str, str], status: int, code: str, desk: Desk, client_for: ClientFor
) -> None:
    answer = client_for(desk.owner).post(HALTS, {"reason": "Testing.", **wrong}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not TradingHalt.objects.exists()


def test_an_administrator_halts_the_platform_and_everybody_sees_it(
    desk: Desk, admin: User, client_for: ClientFor
) -> None:
    made = client_for(admin).post(HALTS, {"width": "platform", "reason": "Testing."}, format="json").json()
    client = client_for(desk.owner)
    assert [row["id"] for row in client.get(HALTS, {"open": "true"}).json()["results"]] == [made["id"]]
    answer = client.post(f"{HALTS}/{made['id']}/end")
    assert (answer.status_code, answer.json()["code"]) == (403, "halt_not_allowed")


def test_anothers_halts_and_portfolios_are_not_found(desk: Desk, other_desk: Desk, client_for: ClientFor) -> None:
    theirs = make_halt(other_desk.portfolio)
    client = client_for(desk.owner)
    assert client.get(HALTS).json()["results"] == []
    assert client.post(f"{HALTS}/{theirs.pk}/end").status_code == 404
    asked = {"width": "portfolio", "portfolio": str(other_desk.portfolio.pk), "reason": "Testing."}
    assert client.post(HALTS, asked, format="json").status_code == 400
    assert TradingHalt.objects.get() == theirs


def test_a_key_may_halt_and_never_lets_trading_go_on(desk: Desk, client_for: ClientFor) -> None:
    _, secret = api_key_create(user=desk.owner, name="bot", scopes=["trade"])
    client = client_for(None)
    client.credentials(HTTP_X_API_KEY=secret)
    asked = {"width": "portfolio", "portfolio": str(desk.portfolio.pk), "reason": "My bot is unwell."}
    made = client.post(HALTS, asked, format="json")
    assert made.status_code == 201
    answer = client.post(f"{HALTS}/{made.json()['id']}/end")
    assert (answer.status_code, answer.json()["code"]) == (403, "api_key_scope")
