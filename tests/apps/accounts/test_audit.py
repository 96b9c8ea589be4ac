"""The audit trail: what is in it, who sees it, and that nobody changes it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from apps.accounts.models import Action, AuditEvent, Role, User
from apps.accounts.services import audit, user_change
from tests.apps.accounts.conftest import Call
from tests.apps.dashboard.conftest import ConsoleFor, console_for  # noqa: F401 - a fixture
from tests.builders import PASSWORD
from tests.conftest import ClientFor, Desk


def test_a_record_says_who_what_when_from_where_and_under_which_id(trader: User, call: Call) -> None:
    response = call(
        "post", "/api/auth/login", {"username": "trader", "password": PASSWORD}, ip="203.0.113.9",
        HTTP_USER_AGENT="Bot/1.0\nforged line", HTTP_X_REQUEST_ID="my-own-request-id",
    )  # fmt: skip
    assert response.status_code == 200
    event = AuditEvent.objects.get(action=Action.SIGNED_IN)
    assert (event.user_id, event.username, event.ip) == (trader.pk, "trader", "203.0.113.9")
    assert (event.user_agent, event.correlation_id) == ("Bot/1.0forged line", "my-own-request-id")
    assert event.details == {"to": "API"}


@pytest.mark.parametrize(
    "statement", ["UPDATE accounts_auditevent SET username = 'x'", "DELETE FROM accounts_auditevent"]
)
def test_the_database_itself_refuses_to_change_it(statement: str, trader: User) -> None:
    audit(Action.SIGNED_IN, user=trader)
    refused = pytest.raises(IntegrityError, match="never changed or deleted")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEvent.objects.filter(username="trader").exists()


def test_a_record_outlives_its_user(trader: User) -> None:
    audit(Action.SIGNED_IN, user=trader)
    trader.delete()
    assert AuditEvent.objects.filter(username="trader", action=Action.SIGNED_IN).exists()


def test_administrators_read_and_filter_it_by_api(admin: User, trader: User, client_for: ClientFor) -> None:
    client = client_for(admin)
    for number in range(3):
        audit(Action.KEY_USED, user=trader, number=number)
    page = client.get("/api/audit", {"action": "api_key.used", "username": "trader", "limit": 2}).json()
    assert [row["details"]["number"] for row in page["results"]] == [2, 1]
    rest = client.get("/api/audit", {"action": "api_key.used", "limit": 2, "cursor": page["next"]}).json()
    assert [row["details"]["number"] for row in rest["results"]] == [0]
    for query, count in [
        ({"user_id": trader.pk, "action": "api_key.used"}, 3),
        ({"ip": "203.0.113.1"}, 0),
        ({"ip": "not an address"}, 0),
        ({"since": "2100-01-01T00:00:00Z"}, 0),
        ({"until": "2000-01-01T00:00:00Z"}, 0),
    ]:
        assert len(client.get("/api/audit", query).json()["results"]) == count, query
    assert client.get("/api/audit", {"action": "nonsense"}).status_code == 400
    assert client.get("/api/audit", {"usrname": "trader"}).status_code == 400


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nobody_writes_it_by_api(method: str, admin: User, client_for: ClientFor) -> None:
    assert getattr(client_for(admin), method)("/api/audit", {}).status_code == 405


def test_others_do_not_see_it(trader: User, viewer: User, client_for: ClientFor) -> None:
    for user in (trader, viewer):
        assert client_for(user).get("/api/audit").status_code == 403


def test_it_is_seen_and_not_changed_in_the_console(admin: User, console_for: ConsoleFor) -> None:  # noqa: F811
    event = audit(Action.SIGNED_IN, user=admin, to="<script>alert(1)</script>")
    console = console_for(admin)
    change = reverse("admin:accounts_auditevent_change", args=[event.pk])
    assert b"<script>alert" not in console.get(change).content
    for path in (change, reverse("admin:accounts_auditevent_delete", args=[event.pk])):
        assert console.post(path, {"post": "yes", "username": "x"}).status_code == 403
    assert console.get(reverse("admin:accounts_auditevent_changelist"), {"action": "auth.signed_in"}).status_code == 200


def test_changed_access_says_what_changed(admin: User, trader: User) -> None:
    user_change(user=trader, actor=admin, role=Role.VIEWER, tier="premium")
    event = AuditEvent.objects.get(action=Action.ACCESS_CHANGED)
    assert event.target == "trader"
    assert event.details["changes"] == {"groups": [["Trader"], ["Viewer"]], "tier": ["free", "premium"]}


def test_settings_changed_in_the_console_are_recorded(
    admin: User,
    desk: Desk,
    console_for: ConsoleFor,  # noqa: F811
) -> None:
    path = reverse("admin:accounts_ratelimit_add")
    body = {"tier": "free", "scope": "general", "requests_per_minute": 50, "burst_per_second": 5}
    assert console_for(admin).post(path, body).status_code == 302
    event = AuditEvent.objects.get(action=Action.ADDED_IN_CONSOLE)
    assert (event.username, event.via, event.target) == ("admin", "console", "Free, general")


def test_what_people_do_with_orders_is_recorded(desk: Desk, client_for: ClientFor) -> None:
    client = client_for(desk.owner)
    order = {
        "portfolio": str(desk.portfolio.pk), "symbol": "BTC/USD", "side": "buy", "type": "limit", "quantity": "1",
        "limit_price": "90", "client_order_id": "audited",
    }  # fmt: skip
    made = client.post("/api/orders", order, format="json", HTTP_X_REQUEST_ID="order-request-1")
    assert made.status_code == 201, made.content
    client.delete(f"/api/orders/{made.json()['id']}", HTTP_X_REQUEST_ID="order-request-2")
    placed, canceled = AuditEvent.objects.filter(action__startswith="order.").order_by("id")
    assert (placed.action, placed.username, placed.via, placed.target_id, placed.correlation_id) == (
        Action.ORDER_PLACED, "trader", "token", made.json()["id"], "order-request-1",
    )  # fmt: skip
    assert (canceled.action, canceled.target_id, canceled.correlation_id) == (
        Action.ORDER_CANCELED, made.json()["id"], "order-request-2",
    )  # fmt: skip
    denied = client.post("/api/orders", {**order, "quantity": "1000", "client_order_id": "too-large"}, format="json")
    assert denied.status_code == 422
    assert AuditEvent.objects.filter(action=Action.ORDER_DENIED).count() == 1
