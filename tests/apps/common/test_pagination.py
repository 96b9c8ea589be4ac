"""Pages neither lose nor repeat a row while others are added, and a cursor is not to be forged."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.orders.models import Order
from tests.builders import MARKET_TIME, make_order, make_snapshot
from tests.conftest import ClientFor, Desk


def _order(desk: Desk, number: int) -> Order:
    return make_order(desk.portfolio, client_order_id=f"order-{number}")


def test_pages_are_whole_while_rows_are_added_and_share_a_time(desk: Desk, client_for: ClientFor) -> None:
    orders = [_order(desk, number) for number in range(7)]
    Order.objects.filter(pk__in=[order.pk for order in orders[2:6]]).update(created_at=timezone.now())
    client, cursor, seen = client_for(desk.owner), None, []
    for page in range(10):
        answer = client.get("/api/orders", {"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [row["client_order_id"] for row in answer["results"]]
        _order(desk, 100 + page)
        cursor = answer["next"]
        if cursor is None:
            break
    assert sorted(seen) == [f"order-{number}" for number in range(7)]
    assert len(seen) == 7


def test_a_full_last_page_says_that_it_is_the_last(desk: Desk, client_for: ClientFor) -> None:
    for number in range(4):
        _order(desk, number)
    first = client_for(desk.owner).get("/api/orders", {"limit": 2}).json()
    second = client_for(desk.owner).get("/api/orders", {"limit": 2, "cursor": first["next"]}).json()
    assert (len(second["results"]), second["next"]) == (2, None)


def test_a_list_may_be_in_another_order(desk: Desk, client_for: ClientFor) -> None:
    for hour in (3, 1, 2):
        make_snapshot(desk.portfolio, MARKET_TIME + timedelta(hours=hour))
    path, client = f"/api/portfolios/{desk.portfolio.pk}/equity", client_for(desk.owner)
    first = client.get(path, {"limit": 2}).json()
    second = client.get(path, {"limit": 2, "cursor": first["next"]}).json()
    assert [row["at"] for row in first["results"] + second["results"]] == [
        "2024-03-01T15:00:00Z",
        "2024-03-01T14:00:00Z",
        "2024-03-01T13:00:00Z",
    ]


def _cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


ORDER = "-created_at,-id"
SOME_ID = "00000000-0000-0000-0000-000000000007"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "rubbish",
        "*",
        "ü",
        "\0",
        "e30",
        _cursor(),
        _cursor(ORDER),
        _cursor("-at,-id", "2024-01-01T00:00:00Z", SOME_ID),
        _cursor(ORDER, "2024-01-01T00:00:00Z"),
        _cursor(ORDER, "2024-01-01T00:00:00Z", "no id"),
        _cursor(ORDER, "2024-01-01T00:00:00", SOME_ID),
        _cursor(ORDER, "2024-13-01T00:00:00Z", SOME_ID),
        _cursor(ORDER, "yesterday", SOME_ID),
        _cursor(ORDER, None, SOME_ID),
        _cursor(ORDER, 7, {}),
        _cursor(ORDER, "2024-01-01T00:00:00Z", SOME_ID, "more"),
        base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("="),
    ],
)
def test_a_cursor_that_was_not_given_out_is_one_clear_400(cursor: str, desk: Desk, client_for: ClientFor) -> None:
    response = client_for(desk.owner).get("/api/orders", {"cursor": cursor})
    assert response.status_code == 400
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("cursor", "invalid_cursor")]


@pytest.mark.parametrize("number", ["9" * 30, "-1e3", "one"])
def test_a_cursor_with_an_impossible_number_is_refused(number: str, desk: Desk, client_for: ClientFor) -> None:
    cursor = _cursor("-at,-id", "2024-01-01T00:00:00Z", number)
    response = client_for(desk.owner).get(f"/api/portfolios/{desk.portfolio.pk}/equity", {"cursor": cursor})
    assert response.status_code == 400


@pytest.mark.parametrize("limit", ["0", "501", "-1", "ten", "", "1.5", "9" * 5000, "٣"])
def test_a_limit_out_of_range_is_refused(limit: str, trader: User, client_for: ClientFor) -> None:
    response = client_for(trader).get("/api/orders", {"limit": limit})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "limit"


@pytest.mark.parametrize(
    "query",
    [
        {"sybmol": "BTC/USD"},
        {"status": "opened"},
        {"side": "both"},
        {"portfolio": "mine"},
        {"created_since": "yesterday"},
        {"symbol": "a\0"},
    ],
)
def test_a_filter_that_is_misspelt_or_out_of_range_is_refused(
    query: dict[str, str], trader: User, client_for: ClientFor
) -> None:
    response = client_for(trader).get("/api/orders", query)
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == list(query)


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("0027-11-03T10:49:40-23:35", 200),  # an offset that PostgreSQL does not know
        ("0001-01-01T00:00:00+23:59", 400),  # before the first year
        ("9999-12-31T23:59:59-23:59", 400),  # after the last one
    ],
)
def test_times_that_the_database_cannot_write_are_no_fault_of_the_server(
    since: str, status: int, desk: Desk, client_for: ClientFor
) -> None:
    assert client_for(desk.owner).get("/api/orders", {"created_since": since}).status_code == status


def test_a_cursor_with_a_strange_offset_is_taken_as_the_time_that_it_means(desk: Desk, client_for: ClientFor) -> None:
    values = ["-created_at,-id", "0027-11-03T10:49:40-23:35", "00000000-0000-0000-0000-000000000007"]
    cursor = base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
    assert client_for(desk.owner).get("/api/orders", {"cursor": cursor}).json() == {"results": [], "next": None}
