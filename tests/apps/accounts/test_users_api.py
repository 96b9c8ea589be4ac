"""Accounts by API: what administrators see and change, and how fast it works."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Action, AuditEvent, Role, User
from apps.accounts.services import session_begin
from tests.apps.accounts.conftest import Call
from tests.apps.dashboard.conftest import ConsoleFor, console_for  # noqa: F401 - a fixture
from tests.builders import PASSWORD
from tests.conftest import ClientFor


def test_administrators_list_filter_and_open_accounts(
    admin: User, trader: User, viewer: User, client_for: ClientFor
) -> None:
    client = client_for(admin)
    rows = client.get("/api/users").json()["results"]
    assert [row["username"] for row in rows] == ["admin", "trader", "viewer"]
    assert set(rows[0]) == {
        "id", "username", "email", "email_verified_at", "first_name", "last_name", "role", "tier", "time_zone",
        "may_trade_live", "mfa_enabled", "created_at", "last_login_at", "is_active", "awaits_verification",
    }  # fmt: skip
    for query, names in [
        ({"role": "Trader"}, ["trader"]),
        ({"username": "VIEW"}, ["viewer"]),
        ({"tier": "premium"}, []),
    ]:
        assert [row["username"] for row in client.get("/api/users", query).json()["results"]] == names
    assert client.get(f"/api/users/{trader.pk}").json()["role"] == "Trader"
    assert client.get("/api/users/999999").status_code == 404


def test_an_administrator_makes_an_account(admin: User, client_for: ClientFor, call: Call) -> None:
    body = {"username": "bot", "email": "Bot@example.com", "password": PASSWORD, "role": "Trader", "tier": "premium"}
    made = client_for(admin).post("/api/users", body, format="json")
    assert made.status_code == 201
    assert (made.json()["email"], made.json()["role"], made.json()["tier"]) == ("bot@example.com", "Trader", "premium")
    assert call("post", "/api/auth/login", {"username": "bot", "password": PASSWORD}).status_code == 200
    again = client_for(admin).post("/api/users", body, format="json")
    assert again.status_code == 400
    assert AuditEvent.objects.get(action=Action.CREATED, target="bot").username == "admin"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "status"), [({"is_active": False}, 401), ({"role": "Viewer"}, 401), ({"tier": "enterprise"}, 200)]
)
def test_a_change_takes_effect_on_tokens_at_once(
    change: dict[str, Any], status: int, admin: User, trader: User, client_for: ClientFor, call: Call
) -> None:
    token = session_begin(user=trader).access
    assert call("get", "/api/auth/me", token=token).status_code == 200
    assert client_for(admin).patch(f"/api/users/{trader.pk}", change, format="json").status_code == 200
    response = call("get", "/api/auth/me", token=token)
    assert response.status_code == status
    if "tier" in change:
        assert response.json()["tier"] == "enterprise"


def test_administrators_cannot_take_their_own_rights_away(
    admin: User,
    client_for: ClientFor,
    console_for: ConsoleFor,  # noqa: F811
) -> None:
    client = client_for(admin)
    for change in ({"role": "Trader"}, {"is_active": False}):
        refused = client.patch(f"/api/users/{admin.pk}", change, format="json")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "role")
    page = f"/admin/accounts/user/{admin.pk}/change/"
    body = {"username": "admin", "email": "admin@example.com", "time_zone": "UTC", "tier": "free", "is_staff": "on"}
    answer = console_for(admin).post(page, {**body, "is_active": "on", "groups": []}, follow=True)
    assert b"You cannot take your own rights away" in answer.content
    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == ("Admin", True)


@pytest.mark.django_db(transaction=True)
def test_the_console_changes_a_role_at_once_and_records_it(
    admin: User,
    trader: User,
    call: Call,
    console_for: ConsoleFor,  # noqa: F811
) -> None:
    from django.contrib.auth.models import Group

    token = session_begin(user=trader).access
    assert call("get", "/api/auth/me", token=token).status_code == 200
    body = {
        "username": "trader", "email": "trader@example.com", "time_zone": "UTC", "tier": "premium", "is_staff": "on",
        "is_active": "on", "groups": [Group.objects.get(name=Role.VIEWER.value).pk],
    }  # fmt: skip
    response = console_for(admin).post(f"/admin/accounts/user/{trader.pk}/change/", body)
    assert response.status_code == 302, response.context["errors"]
    assert call("get", "/api/auth/me", token=token).status_code == 401
    event = AuditEvent.objects.get(action=Action.ACCESS_CHANGED)
    assert event.username == "admin"
    assert event.details["changes"]["groups"] == [["Trader"], ["Viewer"]]


def test_unknown_or_forbidden_fields_are_refused(admin: User, trader: User, client_for: ClientFor) -> None:
    for change in ({"is_superuser": True}, {"password": "x" * 20}, {"username": "other"}, {"role": "Root"}):
        response = client_for(admin).patch(f"/api/users/{trader.pk}", change, format="json")
        assert response.status_code == 400, change
    trader.refresh_from_db()
    assert (trader.is_superuser, trader.username, trader.role) == (False, "trader", "Trader")
