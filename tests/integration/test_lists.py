"""Lists are given out fast, with the very bytes that their serializers would give."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.common.api.serializers import RowSerializer
from apps.common.api.views import ListView
from apps.orders.api.serializers import OrderSerializer
from tests.apps.dashboard.conftest import Book, book_of
from tests.builders import (
    MARKET_TIME,
    make_alert,
    make_fill,
    make_history,
    make_order,
    make_position,
    make_signal,
    make_snapshot,
)
from tests.conftest import ClientFor
from tests.routes import Route, api_routes

ODD_TEXT = 'Ünïcödé ✓ "quoted" \\ back\u2028line\u2029 </script> \t\x7f 😀'
LISTS = {
    route.path: route
    for route in api_routes()
    if route.view and issubclass(route.view, ListView) and not route.path.endswith(".csv")
}
OUTLINED = {path: route for path, route in LISTS.items() if route.view.serializer_class.outline() is not None}


@pytest.fixture
def book(trader: User) -> Book:
    """A trader's rows of every kind, with what is hard to write: nothing at all, the smallest and largest, odd text."""
    book = book_of(trader)
    portfolio, strategy = book.portfolio, book.strategy
    signal = make_signal(strategy, confidence=1e-7, reason=ODD_TEXT)
    figures = {
        "quantity": Decimal("9999999999.99999999"), "limit_price": Decimal("0.00000001"), "stop_price": Decimal("100"),
        "average_fill_price": Decimal("-0"), "fees_paid": Decimal("12.30"),
    }  # fmt: skip
    order = make_order(
        portfolio, strategy=strategy, signal=signal, reason=ODD_TEXT, reason_code="x", submitted_at=MARKET_TIME,
        closed_at=MARKET_TIME + timedelta(microseconds=7), metadata={"note": ODD_TEXT, "n": [1, None, True]}, **figures,
    )  # fmt: skip
    make_order(portfolio, parent=order, metadata={"small": 1e-7, "large": 1e22, "whole": 10**30, "plain": 0.1})
    make_fill(order, executed_at=datetime(1, 1, 1, tzinfo=UTC), position=make_position(portfolio, book="other"))
    make_fill(order, realized_pnl=Decimal("-1.50"))
    make_snapshot(portfolio, MARKET_TIME + timedelta(hours=1, microseconds=1), drawdown_percent=Decimal("0.1"))
    make_alert(trader, acknowledged_by=trader)
    make_alert()
    make_history(order.instrument)
    audit(Action.ORDER_PLACED, user=trader, target=order, share=1e-9, text=ODD_TEXT)
    audit(Action.ORDER_DENIED, name="nobody")
    return book


def _pages(client: APIClient, route: Route, ids: dict[str, Any]) -> list[bytes]:
    """Return the list's bytes, whole and by pages of one row."""
    path, pages = route.filled(**ids), []
    pages.append(client.get(path).content)
    cursor: dict[str, Any] = {}
    while cursor is not None:
        answer = client.get(path, {"limit": 1, **cursor})
        assert answer.status_code == 200, (path, answer.content)
        pages.append(answer.content)
        after = answer.json()["next"]
        cursor = {"cursor": after} if after else None
    return pages


def test_each_list_gives_the_bytes_that_its_serializer_gives(
    book: Book, admin: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(admin)
    ids = {"portfolio_id": book.portfolio.pk, "strategy_id": book.strategy.pk}
    fast = {path: _pages(client, route, ids) for path, route in OUTLINED.items()}
    monkeypatch.setattr(RowSerializer, "outline", classmethod(lambda cls: None))
    assert [path for path, pages in fast.items() if json.loads(pages[0])["results"] == []] == []
    for path, route in OUTLINED.items():
        assert fast[path] == _pages(client, route, ids), path


def test_the_lists_of_what_is_traded_read_columns_alone() -> None:
    read = {path for path, route in OUTLINED.items() if route.view.serializer_class.outline().columns is not None}
    assert {"/api/orders", "/api/fills", "/api/signals", "/api/portfolios", "/api/alerts"} <= read


def test_a_list_of_orders_takes_one_query_for_any_number_of_rows(
    book: Book, admin: User, client_for: ClientFor, django_assert_num_queries: Any
) -> None:
    client = client_for(admin)
    client.get("/api/orders")
    for _ in range(5):
        make_order(book.portfolio)
    with django_assert_num_queries(1):
        assert len(client.get("/api/orders").json()["results"]) >= 7


def test_a_row_that_is_not_stored_yet_looks_the_same_too(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    east = timezone(timedelta(hours=2))
    order = make_order(book.portfolio, expires_at=datetime(2024, 3, 1, 14, 0, tzinfo=east))
    fast = OrderSerializer(order).data
    assert fast["expires_at"] == "2024-03-01T12:00:00Z"
    assert fast["remaining_quantity"] == "1"
    monkeypatch.setattr(RowSerializer, "outline", classmethod(lambda cls: None))
    slow = OrderSerializer(order).data
    assert {name: str(value) for name, value in fast.items()} == {name: str(value) for name, value in slow.items()}
    assert list(fast) == list(slow)
