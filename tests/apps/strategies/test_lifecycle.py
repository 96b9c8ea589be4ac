"""A strategy's versions, its copies and its end, by the API."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from decimal import Decimal as D
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from rest_framework.test import APIClient

from apps.accounts.models import AuditEvent
from apps.orders.models import Order
from apps.strategies.models import Signal, Strategy, StrategyVersion
from tests.builders import (
    MARKET_TIME,
    make_instrument,
    make_order,
    make_portfolio,
    make_position,
    make_signal,
    make_strategy,
)
from tests.conftest import ClientFor, Desk


@pytest.fixture
def client(desk: Desk, client_for: ClientFor) -> APIClient:
    return client_for(desk.owner)


@pytest.fixture
def path(client: APIClient, desk: Desk) -> str:
    body = {
        "portfolio": str(desk.portfolio.pk), "name": "Cross", "rule": "sma_cross", "symbol": "BTC/USD",
        "timeframe": "1h", "sizing_value": "2.5",
    }  # fmt: skip
    return f"/api/strategies/{client.post('/api/strategies', body, format='json').json()['id']}"


def patched(client: APIClient, path: str, **changes: object) -> Any:
    response = client.patch(path, changes, format="json")
    assert response.status_code == 200, response.json()
    return response.json()


def recorded(action: str) -> list[dict[str, Any]]:
    return list(AuditEvent.objects.filter(action=f"strategy.{action}").order_by("id").values_list("details", flat=True))


def test_each_change_makes_a_version_and_what_changes_nothing_makes_none(client: APIClient, path: str) -> None:
    assert client.get(path).json()["version"] == 1
    assert patched(client, path, parameters={"fast": 10}, direction="both")["version"] == 2
    assert patched(client, path, parameters={"fast": 10}, sizing_value="2.50")["version"] == 2
    assert patched(client, path, sizing_value="4")["version"] == 3
    shown = client.get(f"{path}/versions").json()["results"]
    assert [(row["number"], row["parameters"]["fast"], row["direction"], row["sizing_value"]) for row in shown] == [
        (3, 10, "both", "4"), (2, 10, "both", "2.5"), (1, 20, "long_only", "2.5"),
    ]  # fmt: skip
    assert {row["changed_by"] for row in shown} == {"trader"}
    assert recorded("created") == [{}]
    assert recorded("changed") == [
        {"version": 2, "changes": {"direction": ["long_only", "both"], "parameters.fast": [20, 10]}},
        {"version": 3, "changes": {"sizing_value": ["2.5", "4"]}},
    ]


def test_the_history_is_read_page_by_page(client: APIClient, path: str) -> None:
    for fast in (5, 6, 7):
        patched(client, path, parameters={"fast": fast})
    first = client.get(f"{path}/versions", {"limit": 3}).json()
    rest = client.get(f"{path}/versions", {"limit": 3, "cursor": first["next"]}).json()
    assert [row["number"] for row in [*first["results"], *rest["results"]]] == [4, 3, 2, 1]
    assert rest["next"] is None


def test_an_older_version_comes_back_as_a_new_one(client: APIClient, path: str) -> None:
    before = {k: v for k, v in client.get(path).json().items() if k not in ("version", "updated_at")}
    patched(client, path, name="Oscillator", rule="rsi", parameters={"period": 7}, protect=False, min_confidence=0.4)
    back = client.post(f"{path}/versions/1/restore").json()
    assert back["version"] == 3
    assert {k: v for k, v in back.items() if k not in ("version", "updated_at")} == before
    assert StrategyVersion.objects.get(number=3).settings == StrategyVersion.objects.get(number=1).settings
    assert recorded("restored") == [{"restored": 1, "version": 3}]
    assert client.post(f"{path}/versions/3/restore").json()["version"] == 3, "it is that already"
    assert client.post(f"{path}/versions/4/restore").status_code == 404
    assert len(recorded("restored")) == 1


def test_a_version_whose_parameters_the_rule_takes_no_more_is_refused(client: APIClient, path: str) -> None:
    strategy = Strategy.objects.get()
    StrategyVersion.objects.create(
        strategy=strategy, number=7, name="Old", rule="sma_cross", parameters={"slowest": 3}, direction="both",
        sizing_mode="fixed_quantity", sizing_value=D(1), min_confidence=0, protect=True,
    )  # fmt: skip
    response = client.post(f"{path}/versions/7/restore")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    strategy.refresh_from_db()
    assert (strategy.version, strategy.name) == (1, "Cross")


def test_the_database_itself_refuses_to_change_a_version(client: APIClient, path: str) -> None:
    refused = pytest.raises(IntegrityError, match="never changed")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE strategies_strategyversion SET parameters = '{}'")
    assert StrategyVersion.objects.get().parameters == {"fast": 20, "slow": 50}


def test_strategies_of_before_get_their_first_version(desk: Desk) -> None:
    strategy = make_strategy(desk.portfolio, parameters={"period": 9}, sizing_value=D(3))
    StrategyVersion.objects.all().delete()
    importlib.import_module("apps.strategies.migrations.0003_first_versions").keep(apps, None)
    version = StrategyVersion.objects.get(strategy=strategy)
    assert (version.number, version.parameters["period"], version.sizing_value) == (1, 9, 3)
    assert version.changed_by is None


def test_a_copy_has_everything_but_its_history_and_is_disabled(client: APIClient, path: str, desk: Desk) -> None:
    patched(client, path, parameters={"fast": 10}, direction="both")
    client.post(f"{path}/enable")
    made = client.post(f"{path}/duplicate", {}, format="json")
    assert made.status_code == 201
    original, copy = client.get(path).json(), made.json()
    own = {"id", "name", "slug", "enabled", "version", "created_at", "updated_at"}
    assert {k: v for k, v in copy.items() if k not in own} == {k: v for k, v in original.items() if k not in own}
    assert (copy["name"], copy["slug"], copy["enabled"], copy["version"]) == ("Cross copy", "cross-copy", False, 1)
    assert client.post(f"{path}/duplicate", {}, format="json").json()["name"] == "Cross copy 2"
    assert recorded("duplicated")[0] == {"source": original["id"], "version": 2}


def test_a_copy_may_go_elsewhere(client: APIClient, path: str, desk: Desk, other_desk: Desk) -> None:
    second = make_portfolio(desk.owner, "Second")
    make_instrument("ETH/USD")
    euro = make_instrument("ETH/EUR")
    body = {"portfolio": str(second.pk), "symbol": "ETH/USD", "timeframe": "4h"}
    made = client.post(f"{path}/duplicate", body, format="json").json()
    assert (made["portfolio"], made["symbol"], made["timeframe"]) == (str(second.pk), "ETH/USD", "4h")
    assert made["name"] == "Cross", "the name is free there"
    for refused, status, code in (
        ({"name": "Cross"}, 400, "invalid"),
        ({"portfolio": str(other_desk.portfolio.pk)}, 400, "invalid"),
        ({"symbol": euro.symbol}, 409, "currency_mismatch"),
        ({"enabled": True}, 400, "invalid"),
    ):
        answer = client.post(f"{path}/duplicate", refused, format="json")
        assert (answer.status_code, answer.json()["code"]) == (status, code), refused
    assert Strategy.objects.count() == 2


def test_a_strategy_that_never_traded_is_deleted(client: APIClient, path: str) -> None:
    make_signal(Strategy.objects.get(), outcome="skipped")
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert not Strategy.objects.exists()
    assert not Signal.objects.exists()
    assert not StrategyVersion.objects.exists()
    (told,) = recorded("deleted")
    assert told == {"rule": "sma_cross", "parameters": {"fast": 20, "slow": 50}, "version": 1}


@pytest.mark.parametrize(
    "trade",
    [
        lambda strategy: make_order(strategy.portfolio, strategy=strategy, status="denied"),
        lambda strategy: make_position(strategy.portfolio, book=strategy.slug, quantity=D(0), closed_at=MARKET_TIME),
    ],
    ids=["a denied order", "a closed position"],
)
def test_a_strategy_that_traded_is_archived_and_comes_back_disabled(
    trade: Callable[[Strategy], Model], client: APIClient, path: str
) -> None:
    trade(Strategy.objects.get())
    gone = client.delete(path)
    assert gone.status_code == 200
    assert gone.json()["archived_at"]
    assert client.get("/api/strategies").json()["results"] == []
    assert client.get("/api/strategies", {"archived": "false"}).json()["results"] == []
    assert [row["name"] for row in client.get("/api/strategies", {"archived": "true"}).json()["results"]] == ["Cross"]
    refused = client.post(f"{path}/enable")
    assert (refused.status_code, refused.json()["code"]) == (409, "archived")
    assert client.delete(path).json()["archived_at"] == gone.json()["archived_at"]
    back = client.post(f"{path}/unarchive").json()
    assert (back["archived_at"], back["enabled"]) == (None, False)
    assert client.get("/api/strategies", {"archived": "true"}).json()["results"] == []
    assert len(client.get("/api/strategies").json()["results"]) == 1
    assert client.post(f"{path}/enable").json()["enabled"] is True
    assert (len(recorded("archived")), len(recorded("unarchived"))) == (1, 1)


def enable(strategy: Strategy) -> None:
    Strategy.objects.filter(pk=strategy.pk).update(enabled=True)


def hold(strategy: Strategy) -> None:
    make_position(strategy.portfolio, book=strategy.slug)


def wait(strategy: Strategy) -> None:
    make_order(strategy.portfolio, strategy=strategy, status="submitted")


@pytest.mark.parametrize(
    ("busy", "code"), [(enable, "strategy_enabled"), (hold, "strategy_holds_position"), (wait, "orders_working")]
)
def test_what_is_at_work_is_neither_deleted_nor_archived(
    busy: Callable[[Strategy], None], code: str, client: APIClient, path: str
) -> None:
    busy(Strategy.objects.get())
    response = client.delete(path)
    assert (response.status_code, response.json()["code"]) == (409, code)
    assert Strategy.objects.get().archived_at is None
    assert recorded("archived") == recorded("deleted") == []


def test_orders_and_positions_of_others_do_not_keep_a_strategy(client: APIClient, path: str, desk: Desk) -> None:
    other = make_strategy(desk.portfolio, "Other")
    make_order(desk.portfolio, strategy=other)
    make_position(desk.portfolio, book=other.slug)
    make_position(desk.portfolio, book="manual")
    assert client.delete(path).status_code == 204
    assert Order.objects.count() == 1
