"""Who may do what: nothing that is not declared, nothing of another's, nothing written without permission."""

from __future__ import annotations

import pytest
from django.db.models import Model

from apps.accounts.models import User
from apps.common.api.permissions import AUTHENTICATED, PUBLIC, DeclaredPermission
from apps.orders.models import Order, OrderEvent
from apps.portfolio.models import Portfolio
from apps.strategies.models import Strategy
from tests.builders import make_fill, make_order, make_position, make_signal, make_strategy
from tests.conftest import ClientFor, Desk, desk_of
from tests.routes import Route, api_routes

ROUTES = api_routes()
PROTECTED = [
    (route, method) for route in ROUTES for method in route.methods if route.view.access.get(method.upper()) != PUBLIC
]


def _name(value: object) -> str:
    return value.path if isinstance(value, Route) else str(value)


@pytest.mark.parametrize("route", ROUTES, ids=_name)
def test_every_method_of_every_route_declares_who_may_call_it(route: Route) -> None:
    assert route.view is not None, "answered by something else than a view class"
    assert DeclaredPermission in route.view.permission_classes
    declared = route.view.access
    assert {method.upper() for method in route.methods} == set(declared)
    for needed in declared.values():
        assert needed in (PUBLIC, AUTHENTICATED) or "." in needed


def test_the_walk_finds_the_routes() -> None:
    assert {"/api/orders", "/api/orders/<uuid:order_id>", "/api/auth/login"} <= {route.path for route in ROUTES}


@pytest.mark.django_db
@pytest.mark.parametrize(("route", "method"), PROTECTED, ids=_name)
def test_nobody_gets_in_without_signing_in(route: Route, method: str, client_for: ClientFor) -> None:
    response = getattr(client_for(None), method)(route.filled(), {}, format="json")
    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"
    assert response["WWW-Authenticate"].startswith("Bearer")


def _rows_of(desk: Desk) -> dict[str, Model]:
    """Return one row of each kind that has a route of its own, with a signal and a fill on them."""
    strategy, order = make_strategy(desk.portfolio), make_order(desk.portfolio)
    make_signal(strategy)
    make_fill(order)
    position = make_position(desk.portfolio)
    return {"portfolio_id": desk.portfolio, "strategy_id": strategy, "order_id": order, "position_id": position}


OWNED = [(route, method) for route, method in PROTECTED if "<uuid:" in route.path]


@pytest.mark.parametrize(("route", "method"), OWNED, ids=_name)
def test_anothers_row_answers_exactly_like_a_missing_one(
    route: Route, method: str, trader: User, other_desk: Desk, client_for: ClientFor
) -> None:
    rows = _rows_of(other_desk)
    before = {row.pk: _columns(row) for row in rows.values()}
    theirs = route.filled(**{name: row.pk for name, row in rows.items()})
    client = client_for(trader)
    found, missing = getattr(client, method)(theirs), getattr(client, method)(route.filled())
    assert (found.status_code, missing.status_code) == (404, 404)
    assert _without_place(found.json()) == _without_place(missing.json())
    assert _stored(rows) == before
    assert Order.objects.count() == 1


LISTS = ["orders", "fills", "positions", "portfolios", "strategies", "signals"]


@pytest.mark.parametrize("name", LISTS)
def test_lists_leave_out_anothers_rows(name: str, trader: User, other_desk: Desk, client_for: ClientFor) -> None:
    _rows_of(other_desk)
    assert client_for(trader).get(f"/api/{name}").json() == {"results": [], "next": None}
    assert len(client_for(other_desk.owner).get(f"/api/{name}").json()["results"]) == 1


@pytest.mark.parametrize("name", LISTS)
def test_an_administrator_sees_everybodys_rows(
    name: str, admin: User, desk: Desk, other_desk: Desk, client_for: ClientFor
) -> None:
    for each in (desk, other_desk):
        _rows_of(each)
    assert len(client_for(admin).get(f"/api/{name}").json()["results"]) == 2


WRITES = [
    (route, method)
    for route, method in PROTECTED
    if method != "get" and route.view.access[method.upper()] != AUTHENTICATED
]


@pytest.mark.parametrize(("route", "method"), WRITES, ids=_name)
def test_a_viewer_writes_nothing_not_even_to_own_rows(
    route: Route, method: str, viewer: User, client_for: ClientFor
) -> None:
    rows = _rows_of(desk_of(viewer))
    before = {row.pk: _columns(row) for row in rows.values()}
    path = route.filled(**{name: row.pk for name, row in rows.items()})
    response = getattr(client_for(viewer), method)(path, {"name": "Changed"}, format="json")
    assert response.status_code == 403
    assert response.json()["code"] == "permission_denied"
    assert _stored(rows) == before
    assert [model.objects.count() for model in (Order, OrderEvent, Strategy, Portfolio)] == [1, 1, 1, 1]


def _stored(rows: dict[str, Model]) -> dict[object, dict[str, object]]:
    return {row.pk: _columns(type(row)._default_manager.get(pk=row.pk)) for row in rows.values()}


def _columns(row: Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _without_place(problem: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in problem.items() if name not in ("instance", "correlation_id")}
