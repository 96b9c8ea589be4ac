"""Orders by the API: placed once, refused clearly, followed and canceled."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.orders.models import Order
from tests.builders import MARKET_TIME, make_fill, make_position
from tests.conftest import ClientFor, Desk

type Answer = Any
type Place = Callable[..., Answer]


@pytest.fixture
def client(desk: Desk, client_for: ClientFor) -> APIClient:
    return client_for(desk.owner)


@pytest.fixture
def place(desk: Desk, client: APIClient) -> Place:
    """Post an order of 1 BTC at the market, or what the arguments make of it; None leaves a field out."""

    def post(key: str | None = None, **changes: object) -> Answer:
        body = {
            "portfolio": str(desk.portfolio.pk), "symbol": "BTC/USD", "side": "buy", "type": "market",
            "quantity": "1", "client_order_id": "first", **changes,
        }  # fmt: skip
        body = {name: value for name, value in body.items() if value is not None}
        headers = {"Idempotency-Key": key} if key is not None else {}
        return client.post("/api/orders", body, format="json", headers=headers)

    return post


def test_an_order_is_placed_and_shown_with_plain_figures(place: Place) -> None:
    response = place(type="limit", limit_price="99.50", quantity="0.2500", metadata={"note": "by hand"})
    assert response.status_code == 201
    order = response.json()
    assert (order["quantity"], order["limit_price"], order["filled_quantity"]) == ("0.25", "99.5", "0")
    assert (order["status"], order["symbol"], order["time_in_force"]) == ("pending", "BTC/USD", "gtc")
    assert order["metadata"] == {"note": "by hand"}
    assert order["average_fill_price"] is None
    assert order["created_at"].endswith("Z")
    assert Order.objects.get().pk == uuid.UUID(order["id"])


def test_figures_may_come_as_json_numbers_and_keep_every_digit(client: APIClient, desk: Desk) -> None:
    body = (
        f'{{"portfolio": "{desk.portfolio.pk}", "symbol": "btc/usd", "side": "sell", "type": "limit",'
        ' "quantity": 0.1234, "limit_price": 1234567.89, "client_order_id": "exact"}'
    )
    assert client.post("/api/orders", body, content_type="application/json").status_code in (201, 422)
    order = Order.objects.get()
    assert (order.quantity, order.limit_price) == (Decimal("0.1234"), Decimal("1234567.89"))


def test_the_same_order_again_answers_with_the_first(place: Place) -> None:
    first, again = place(), place()
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert Order.objects.count() == 1


@pytest.mark.parametrize("change", [{"quantity": "2"}, {"side": "sell"}, {"type": "limit", "limit_price": "99"}])
def test_an_id_that_was_used_for_another_order_is_refused(change: dict[str, str], place: Place) -> None:
    place()
    response = place(**change)
    assert (response.status_code, response.json()["code"]) == (409, "client_order_id_reused")
    assert Order.objects.count() == 1


def test_the_idempotency_key_may_stand_for_the_id(place: Place) -> None:
    assert place(key="by-header", client_order_id=None).json()["client_order_id"] == "by-header"
    assert place(key="by-header", client_order_id=None).status_code == 200
    assert place(key="by-header", client_order_id="by-header").status_code == 200
    assert place(key="by-header", client_order_id="another").status_code == 400


def test_two_traders_may_use_the_same_id(place: Place, other_desk: Desk, client_for: ClientFor) -> None:
    place()
    body = {
        "portfolio": str(other_desk.portfolio.pk), "symbol": "BTC/USD", "side": "buy", "type": "market",
        "quantity": "1", "client_order_id": "first",
    }  # fmt: skip
    assert client_for(other_desk.owner).post("/api/orders", body, format="json").status_code == 201


def test_a_denied_order_is_kept_and_tells_the_figures(place: Place, client: APIClient) -> None:
    # 11 BTC at 100 are 1,100; a position may be worth 10 % of 10,000.
    response = place(quantity="11")
    assert response.status_code == 422
    problem = response.json()
    assert problem["code"] == "max_position_size"
    assert {name: Decimal(value) for name, value in problem["figures"].items()} == {"actual": 1100, "limit": 1000}
    kept = client.get(f"/api/orders/{problem['order']}").json()
    assert (kept["status"], kept["reason_code"], kept["reason"]) == ("denied", "max_position_size", problem["detail"])
    again = place(quantity="11")
    assert (again.status_code, again.json()["order"]) == (422, problem["order"])
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quantity": "0.000000001"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "Infinity"}, "quantity"),
        ({"quantity": "1e400"}, "quantity"),
        ({"quantity": ""}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"quantity": None}, "quantity"),
        ({"limit_price": "1e400"}, "limit_price"),
        ({"symbol": "NONE/USD"}, "symbol"),
        ({"symbol": "'; drop table"}, "symbol"),
        ({"symbol": "a\0b"}, "symbol"),
        ({"symbol": 7.5}, "symbol"),
        ({"side": "hold"}, "side"),
        ({"type": "iceberg"}, "type"),
        ({"time_in_force": "forever"}, "time_in_force"),
        ({"portfolio": "mine"}, "portfolio"),
        ({"portfolio": "00000000-0000-0000-0000-000000000007"}, "portfolio"),
        ({"client_order_id": None}, "client_order_id"),
        ({"client_order_id": "with space"}, "client_order_id"),
        ({"client_order_id": "x" * 101}, "client_order_id"),
        ({"metadata": ["list"]}, "metadata"),
        ({"metadata": {"long": "x" * 5000}}, "metadata"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"reduce_only": "perhaps"}, "reduce_only"),
        ({"qty": "1"}, "qty"),
        ({"status": "filled"}, "status"),
    ],
)
def test_bad_input_is_one_clear_400_that_names_the_field(changes: dict[str, object], field: str, place: Place) -> None:
    response = place(**changes)
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": "0"}, "quantity_out_of_range"),
        ({"quantity": "-1"}, "quantity_out_of_range"),
        ({"quantity": "1000001"}, "quantity_out_of_range"),
        ({"quantity": "0.00015"}, "quantity_off_step"),
        ({"type": "limit"}, "limit_price_missing"),
        ({"type": "stop"}, "stop_price_missing"),
        ({"limit_price": "99"}, "limit_price_not_allowed"),
        ({"type": "limit", "limit_price": "99.001"}, "limit_price_off_tick"),
        ({"time_in_force": "gtd"}, "expires_at_mismatch"),
        ({"stop_loss": "101"}, "stop_loss_wrong_side"),
    ],
)
def test_what_the_instrument_cannot_trade_is_one_clear_400(changes: dict[str, str], code: str, place: Place) -> None:
    response = place(**changes)
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert response.json()["detail"].endswith(".")
    assert not Order.objects.exists()


def test_anothers_portfolio_is_as_good_as_missing(place: Place, other_desk: Desk) -> None:
    theirs = place(portfolio=str(other_desk.portfolio.pk)).json()
    missing = place(portfolio="00000000-0000-0000-0000-000000000007").json()
    assert theirs["errors"] == missing["errors"]
    assert theirs["status"] == 400
    assert not Order.objects.exists()


def test_a_viewer_cannot_place_an_order(desk: Desk, viewer: User, client_for: ClientFor) -> None:
    response = client_for(viewer).post("/api/orders", {"portfolio": str(desk.portfolio.pk)}, format="json")
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert not Order.objects.exists()


def test_an_order_is_shown_with_its_events_and_fills(place: Place, client: APIClient) -> None:
    order = Order.objects.get(pk=place().json()["id"])
    make_fill(order, price=Decimal("100.05"), quantity=Decimal("0.5"), fee=Decimal("0.050025"))
    shown = client.get(f"/api/orders/{order.pk}").json()
    assert [(event["version"], event["kind"], event["to_status"]) for event in shown["events"]] == [
        (0, "placed", "pending")
    ]
    assert [(fill["price"], fill["quantity"], fill["fee"]) for fill in shown["fills"]] == [
        ("100.05", "0.5", "0.050025")
    ]
    listed = client.get("/api/fills", {"order": str(order.pk)}).json()["results"]
    assert listed == shown["fills"]


@pytest.mark.parametrize("how", ["post", "delete"])
def test_an_order_that_was_not_sent_yet_is_canceled_at_once(how: str, place: Place, client: APIClient) -> None:
    order = place().json()["id"]
    path = f"/api/orders/{order}/cancel" if how == "post" else f"/api/orders/{order}"
    response = getattr(client, how)(path)
    assert (response.status_code, response.json()["status"]) == (200, "canceled")
    again = getattr(client, how)(path)
    assert (again.status_code, again.json()["code"]) == (409, "order_not_cancelable")


def test_orders_are_found_by_what_they_are(place: Place, client: APIClient, desk: Desk) -> None:
    for number, changes in enumerate([{}, {"side": "sell"}, {"quantity": "11"}]):
        place(client_order_id=f"order-{number}", **changes)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    Order.objects.filter(client_order_id="order-0").update(created_at=yesterday)
    noon = (datetime.now(UTC) - timedelta(hours=12)).isoformat().replace("+00:00", "Z")

    def found(**query: Any) -> list[str]:
        answer = client.get("/api/orders", query)
        assert answer.status_code == 200, answer.json()
        return sorted(row["client_order_id"] for row in answer.json()["results"])

    assert found() == ["order-0", "order-1", "order-2"]
    assert found(status="denied") == ["order-2"]
    assert found(status=["denied", "pending"]) == ["order-0", "order-1", "order-2"]
    assert found(side="sell") == ["order-1"]
    assert found(created_since=noon) == ["order-1", "order-2"]
    assert found(created_until=noon) == ["order-0"]
    assert found(symbol="BTC/USD", portfolio=desk.portfolio.pk, type="market") == ["order-0", "order-1", "order-2"]
    assert found(symbol="ETH/USD") == []


def test_a_position_is_closed_by_an_order_of_its_size(desk: Desk, client: APIClient) -> None:
    position = make_position(desk.portfolio, quantity=Decimal("-0.5"))
    response = client.post(f"/api/positions/{position.pk}/close")
    assert response.status_code == 201
    order = response.json()
    assert (order["side"], order["type"], order["quantity"], order["reduce_only"]) == ("buy", "market", "0.5", True)
    position.quantity, position.closed_at = Decimal(0), MARKET_TIME
    position.save()
    closed = client.post(f"/api/positions/{position.pk}/close")
    assert (closed.status_code, closed.json()["code"]) == (409, "position_closed")


def test_a_list_takes_as_many_queries_for_six_orders_as_for_one(place: Place, client: APIClient) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/api/orders")
        return len(captured)

    place(client_order_id="one")
    for_one = count()
    for number in range(5):
        place(client_order_id=f"more-{number}", quantity="0.1")
    assert count() == for_one
