"""Linking, replacing, finding and canceling orders by the API."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.brokers.live import LiveRefused, require_may_trade
from apps.brokers.models import BrokerKind
from apps.orders.models import Order
from tests.builders import make_connection, make_order
from tests.conftest import ClientFor, Desk


@pytest.fixture
def client(desk: Desk, client_for: ClientFor) -> APIClient:
    return client_for(desk.owner)


@pytest.fixture
def post(desk: Desk, client: APIClient) -> Callable[..., Any]:
    """Return a function that posts to a path under /api, with the desk's place and an id where they are wanted."""

    def send(path: str, key: str | None = None, **body: object) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return client.post(f"/api/{path}", body, format="json", headers=headers)

    return send


@pytest.fixture
def place(desk: Desk) -> dict[str, str]:
    return {"portfolio": str(desk.portfolio.pk), "symbol": "BTC/USD"}


LIMIT = {"side": "buy", "type": "limit", "quantity": "1", "limit_price": "95"}
EXIT = {"side": "sell", "type": "limit", "limit_price": "110"}


def test_an_order_may_be_asked_for_by_its_value(post: Callable[..., Any], place: dict[str, str]) -> None:
    body = {**place, **LIMIT, "quantity": None, "notional": "500", "client_order_id": "value"}
    placed = post("orders", **body)
    assert (placed.status_code, placed.json()["quantity"], placed.json()["notional"]) == (201, "5.2631", "500")
    assert post("orders", **body).status_code == 200
    assert post("orders", **{**body, "notional": "501"}).json()["code"] == "client_order_id_reused"


@pytest.mark.parametrize("sizes", [{}, {"quantity": "1", "notional": "100"}])
def test_an_order_has_one_size(sizes: dict[str, str], post: Callable[..., Any], place: dict[str, str]) -> None:
    body = {**place, **{**LIMIT, "quantity": None}, **sizes, "client_order_id": "sizes"}
    refused = post("orders", **body)
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["quantity"]


def test_a_changed_metadata_is_another_order(post: Callable[..., Any], place: dict[str, str]) -> None:
    body = {**place, **LIMIT, "client_order_id": "noted"}
    assert post("orders", **body, metadata={"a": [1, 2.5]}).status_code == 201
    assert post("orders", **body, metadata={"a": [1, 2.5]}).status_code == 200
    assert post("orders", **body, metadata={"a": [1, 2]}).status_code == 409


def test_a_list_is_placed_once_and_its_orders_are_found(
    post: Callable[..., Any], place: dict[str, str], client: APIClient
) -> None:
    body = {**place, "order_class": "oto", "orders": [LIMIT, EXIT]}
    first = post("order-lists", key="trip", **body)
    assert first.status_code == 201, first.json()
    primary, second = first.json()["orders"]
    assert [order["client_order_id"] for order in (primary, second)] == ["trip-1", "trip-2"]
    assert [order["status"] for order in (primary, second)] == ["pending", "held"]
    assert (second["parent"], second["quantity"], second["order_class"]) == (primary["id"], "1", "oto")
    again = post("order-lists", key="trip", **body)
    assert (again.status_code, [order["id"] for order in again.json()["orders"]]) == (
        200,
        [primary["id"], second["id"]],
    )
    changed = post("order-lists", key="trip", **{**body, "orders": [LIMIT, {**EXIT, "limit_price": "111"}]})
    assert (changed.status_code, changed.json()["code"]) == (409, "client_order_id_reused")
    found = client.get("/api/orders", {"parent": primary["id"]}).json()["results"]
    assert [order["id"] for order in found] == [second["id"]]


def test_a_pair_is_found_by_its_group(post: Callable[..., Any], place: dict[str, str], client: APIClient) -> None:
    stop = {"side": "buy", "type": "stop", "quantity": "1", "stop_price": "110"}
    placed = post("order-lists", **place, client_order_id="pair", order_class="oco", orders=[LIMIT, stop]).json()
    group = placed["orders"][0]["oco_group"]
    assert len(client.get("/api/orders", {"group": group}).json()["results"]) == 2


def test_a_list_of_one_and_a_wrong_order_in_it_are_named(post: Callable[..., Any], place: dict[str, str]) -> None:
    one = post("order-lists", **place, client_order_id="one", order_class="oco", orders=[LIMIT])
    assert (one.status_code, one.json()["errors"][0]["field"]) == (400, "orders")
    wrong = post(
        "order-lists", **place, client_order_id="two", order_class="oco", orders=[LIMIT, {**LIMIT, "side": "up"}]
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "orders.1.side")
    assert not Order.objects.exists()


def test_an_order_is_replaced_once(post: Callable[..., Any], desk: Desk, client: APIClient) -> None:
    order = make_order(desk.portfolio)
    first = post(f"orders/{order.pk}/replace", client_order_id="better", limit_price="99")
    assert (first.status_code, first.json()["status"], first.json()["replaces"]) == (201, "held", str(order.pk))
    assert post(f"orders/{order.pk}/replace", key="better", limit_price="99").status_code == 200
    other = post(f"orders/{order.pk}/replace", key="better", limit_price="98")
    assert (other.status_code, other.json()["code"]) == (409, "client_order_id_reused")
    second = post(f"orders/{order.pk}/replace", key="best", limit_price="98")
    assert (second.status_code, second.json()["code"]) == (409, "order_being_replaced")
    assert client.get(f"/api/orders/{order.pk}").json()["replaced_by"] == first.json()["id"]
    assert client.get(f"/api/orders/{first.json()['id']}").json()["replaced_by"] is None


def test_a_replacement_that_breaks_a_limit_answers_with_the_figures(post: Callable[..., Any], desk: Desk) -> None:
    order = make_order(desk.portfolio)
    denied = post(f"orders/{order.pk}/replace", client_order_id="more", quantity="11")
    assert (denied.status_code, denied.json()["code"]) == (422, "max_position_size")
    assert Decimal(denied.json()["figures"]["actual"]) == 1100
    order.refresh_from_db()
    assert order.cancel_requested_at is None


def test_all_orders_are_canceled_or_those_that_are_named(post: Callable[..., Any], desk: Desk) -> None:
    buy, sell = make_order(desk.portfolio), make_order(desk.portfolio, side="sell", status="pending")
    named = post("orders/cancel-all", side="sell", symbol="BTC/USD", portfolio=str(desk.portfolio.pk)).json()
    assert (named["count"], [order["id"] for order in named["orders"]]) == (1, [str(sell.pk)])
    assert named["orders"][0]["status"] == "canceled"
    rest = post("orders/cancel-all").json()
    assert (rest["count"], rest["orders"][0]["id"], rest["orders"][0]["status"]) == (1, str(buy.pk), "open")
    assert rest["orders"][0]["cancel_requested_at"] is not None
    assert post("orders/cancel-all", qty="1").status_code == 400


def test_an_order_is_found_by_its_own_id(
    client: APIClient, desk: Desk, other_desk: Desk, admin: User, client_for: ClientFor
) -> None:
    order = make_order(desk.portfolio, client_order_id="mine")
    theirs = make_order(other_desk.portfolio, client_order_id="mine")
    path = "/api/orders/by-client-order-id/mine"
    assert client.get(path).json()["id"] == str(order.pk)
    assert client_for(other_desk.owner).get(path).json()["id"] == str(theirs.pk)
    assert client_for(admin).get(path).status_code == 200
    assert client.get("/api/orders/by-client-order-id/other").status_code == 404


def test_working_orders_are_listed_by_one_word(client: APIClient, desk: Desk) -> None:
    statuses = ("held", "pending", "submitted", "open", "partially_filled", "filled", "canceled", "denied")
    for status in statuses:
        make_order(desk.portfolio, status=status, client_order_id=status)
    found = client.get("/api/orders", {"status": "working"}).json()["results"]
    assert sorted(order["status"] for order in found) == sorted(statuses[:5])
    found = client.get("/api/orders", {"status": ["working", "filled"]}).json()["results"]
    assert len(found) == 6
    assert client.get("/api/orders", {"role": "stop_loss"}).json()["results"] == []


@pytest.mark.parametrize(
    ("live", "sandbox", "setting", "permitted", "code"),
    [
        (False, True, False, False, None),
        (True, False, True, True, None),
        (True, False, False, True, "live_trading_off"),
        (True, False, True, False, "user_may_not_trade_live"),
        (False, False, True, True, "connection_not_live"),
    ],
)
def test_real_money_needs_the_setting_the_flag_and_the_permission(
    live: bool, sandbox: bool, setting: bool, permitted: bool, code: str | None, trader: User, settings: Any
) -> None:
    settings.LIVE_TRADING = setting
    trader.may_trade_live = permitted
    connection = make_connection(trader, kind=BrokerKind.CCXT, exchange="binance", is_live=live, sandbox=sandbox)
    if code is None:
        require_may_trade(connection)
        return
    with pytest.raises(LiveRefused) as refusal:
        require_may_trade(connection)
    assert refusal.value.code == code


def test_an_order_for_real_money_is_refused_by_the_api(
    post: Callable[..., Any], place: dict[str, str], desk: Desk
) -> None:
    connection = make_connection(desk.owner, kind=BrokerKind.CCXT, exchange="binance", is_live=True, sandbox=False)
    type(desk.portfolio).objects.filter(pk=desk.portfolio.pk).update(connection=connection)
    refused = post("orders", **place, **LIMIT, client_order_id="real")
    assert (refused.status_code, refused.json()["code"]) == (403, "live_trading_off")
    assert not Order.objects.exists()
