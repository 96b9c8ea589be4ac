"""A page by a kept statement has the rows of its queryset, whatever is asked for and whoever asks."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.db import connection, models
from django.db.models import Count, QuerySet
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.common.api import statements
from apps.common.api.fields import plain
from apps.common.api.statements import page_of
from apps.common.api.texts import output_of, value_of
from apps.orders.models import Fill, Order
from apps.orders.selectors import orders_of
from tests.builders import MARKET_TIME, make_fill, make_order
from tests.conftest import ClientFor, Desk

NEWEST_FIRST = ("-created_at", "-id")
FILTERS: dict[str, list[Any]] = {
    "status": ["filled", ["open", "canceled"], "working"],
    "side": ["buy"],
    "symbol": ["BTC/USD", "NONE/USD"],
    "created_since": [(MARKET_TIME + timedelta(minutes=2)).isoformat()],
    "client_order_id": ["é%s'\"%"],
}


@pytest.fixture
def orders(desk: Desk, other_desk: Desk) -> list[Order]:
    """Orders of two users in every status, of both sides, some at the same moment."""
    kinds = itertools.product((desk, other_desk), ("open", "filled", "canceled"), ("buy", "sell"))
    made = [
        make_order(each.portfolio, status=status, side=side, client_order_id=f"{number}")
        for number, (each, status, side) in enumerate(kinds)
    ]
    made.append(make_order(desk.portfolio, client_order_id="é%s'\"%"))
    for number, order in enumerate(made):
        Order.objects.filter(pk=order.pk).update(created_at=MARKET_TIME + timedelta(minutes=number // 2))
    return made


def _asked() -> list[dict[str, Any]]:
    """Return every choice of at most two filters, with every value."""
    choices = [{}, *({name: value} for name, values in FILTERS.items() for value in values)]
    return [{**one, **other} for one, other in itertools.combinations_with_replacement(choices, 2)]


def _slow(rows: QuerySet[Any], columns: Any, order: Any, most: int) -> list[tuple[Any, ...]]:
    """Read the page as the ORM does, and give it the form of a page of texts."""
    found = rows.values_list(*columns).order_by(*order)[:most]
    return [tuple(map(_text, row)) for row in found]


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return str(value.astimezone(UTC)).removesuffix(":00")
    return f"{value:f}" if isinstance(value, Decimal) else str(value) if isinstance(value, UUID) else value


def _walked(client: Any, query: dict[str, Any]) -> list[str]:
    """Return the ids of all pages of two."""
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = client.get("/api/orders", {"limit": 2, **query, **cursor}).json()
        found += [row["id"] for row in answer["results"]]
        if answer["next"] is None:
            return found
        cursor = {"cursor": answer["next"]}


def _expected(user: User, query: dict[str, Any]) -> list[str]:
    rows = orders_of(user)
    for name, value in query.items():
        match name, value:
            case "status", "working":
                rows = rows.filter(status="open")
            case "status", _:
                rows = rows.filter(status__in=[value] if isinstance(value, str) else value)
            case "symbol", _:
                rows = rows.filter(instrument__symbol=value)
            case "created_since", _:
                rows = rows.filter(created_at__gte=datetime.fromisoformat(value))
            case _:
                rows = rows.filter(**{name: value})
    return [str(order.pk) for order in rows.order_by(*NEWEST_FIRST)]


@pytest.mark.parametrize("who", ["trader", "other_trader", "admin"])
def test_any_two_filters_give_the_rows_of_the_plain_query(
    who: str, orders: list[Order], request: pytest.FixtureRequest, client_for: ClientFor
) -> None:
    user = request.getfixturevalue(who)
    client, sizes = client_for(user), set()
    for query in _asked():
        found = _walked(client, query)
        assert found == _expected(user, query), query
        sizes.add(len(found))
    assert len(sizes) > 3  # the filters leave different rows


def test_a_kept_statement_serves_other_values_and_never_another_user(
    orders: list[Order], trader: User, other_trader: User
) -> None:
    columns = ("id", "owner_id", "instrument__symbol")
    before = page_of(orders_of(trader), columns, NEWEST_FIRST, 50)
    kept = dict(statements._kept)
    after = page_of(orders_of(other_trader), columns, NEWEST_FIRST, 3)
    assert statements._kept == kept
    assert {row[1] for row in before} == {trader.pk}
    assert ({row[1] for row in after}, len(after)) == ({other_trader.pk}, 3)


def test_what_a_statement_cannot_be_kept_for_is_read_all_the_same(orders: list[Order], admin: User) -> None:
    make_fill(orders[0])
    make_fill(orders[0])
    everything = orders_of(admin)
    queries: list[QuerySet[Any]] = [
        everything.none(),
        everything.filter(pk__in=[]),
        everything.annotate(count=Count("fills")).filter(count=2),
        everything.filter(fills__price__gt=0).distinct(),
        everything.filter(status="open") | everything.filter(side="sell"),
        everything.exclude(fills__price__gt=0),
        everything.filter(pk__in=Fill.objects.values("order_id")),
        everything.extra(where=["client_order_id = %s"], params=["3"]),
        everything.filter(owner__groups__in=Group.objects.filter(name="Trader")),
    ]
    columns, found = ("id", "quantity", "created_at", "owner__username"), []
    for rows in queries:
        assert page_of(rows, columns, NEWEST_FIRST, 50) == _slow(rows, columns, NEWEST_FIRST, 50), rows.query
        found.append(len(page_of(rows, columns, NEWEST_FIRST, 50)))
    assert found == [0, 0, 1, 1, 9, 12, 1, 1, 13]


def test_joins_of_the_same_tables_by_other_ways_are_told_apart(orders: list[Order], trader: User) -> None:
    parent = orders[0]
    Order.objects.filter(pk=orders[1].pk).update(parent=parent)
    queries = [
        Order.objects.filter(parent__client_order_id="0"),
        Order.objects.filter(legs__client_order_id="1"),
        Order.objects.filter(replaces__client_order_id="0"),
    ]
    found = [page_of(rows, ("client_order_id", "parent__status"), ("id",), 9) for rows in queries]
    assert found == [[("1", "open")], [("0", None)], []]


def test_the_kept_statements_are_bounded(orders: list[Order], trader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MOST_KEPT", 3)
    for count in range(1, 8):
        rows = orders_of(trader).filter(client_order_id__in=[str(number) for number in range(count)])
        assert len(page_of(rows, ("id",), ("id",), 50)) == min(count, 6)
        assert len(statements._kept) <= 3


def test_a_page_is_one_query_with_its_limit(orders: list[Order], trader: User) -> None:
    rows = orders_of(trader)
    with CaptureQueriesContext(connection) as asked:
        page_of(rows, ("id",), NEWEST_FIRST, 2)
    (query,) = asked.captured_queries
    assert query["sql"].endswith("LIMIT 2")


@pytest.mark.parametrize(
    "number",
    ["0", "1.5", "-1.50", "100", "1000000", "0.00000001", "-0.1", "99999999999999999999.99999999", "10.10"],
)
def test_a_figure_looks_the_same_from_its_text(number: str, desk: Desk) -> None:
    make_order(desk.portfolio, average_fill_price=Decimal(number))
    ((text,),) = page_of(Order.objects.all(), ("average_fill_price",), ("id",), 1)
    column = Order._meta.get_field("average_fill_price")
    stored = Order.objects.values_list("average_fill_price", flat=True).get()
    assert (_read(output_of, column)(text), _read(value_of, column)(text)) == (plain(stored), stored)


@pytest.mark.parametrize(
    "time",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2024, 2, 29, 12, tzinfo=UTC),
        datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
        datetime(2024, 2, 29, 12, 0, 0, 100_000, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ],
)
def test_a_time_looks_the_same_from_its_text(time: datetime, desk: Desk) -> None:
    make_order(desk.portfolio, expires_at=time)
    ((text,),) = page_of(Order.objects.all(), ("expires_at",), ("id",), 1)
    column = Order._meta.get_field("expires_at")
    assert _read(output_of, column)(text) == time.isoformat().replace("+00:00", "Z")
    assert _read(value_of, column)(text) == time


def _read(kind: Any, column: models.Field[Any, Any]) -> Any:
    read = kind(column)
    assert read is not None
    return read
