"""Keys for programs: what they reach, and what ends them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.errors import InvalidAccount, NotAllowed
from apps.accounts.models import Action, ApiKey, AuditEvent, Role, User
from apps.accounts.services import (
    api_key_create,
    api_key_revoke,
    api_key_rotate,
    password_change,
    session_begin,
    user_change,
)
from apps.accounts.services.api_keys import MAX_KEYS
from tests.apps.accounts.conftest import Call
from tests.builders import PASSWORD
from tests.conftest import ClientFor, Desk

live = pytest.mark.django_db(transaction=True)
ORDER = {"symbol": "BTC/USD", "side": "buy", "type": "market", "quantity": "0.1"}


def make_key(user: User, *scopes: str, **values: Any) -> tuple[ApiKey, str]:
    return api_key_create(user=user, name=f"key {ApiKey.objects.count()}", scopes=list(scopes or ["read"]), **values)


def test_a_key_is_made_shown_once_and_listed_without_its_secret(trader: User, client_for: ClientFor) -> None:
    client = client_for(trader)
    body = {"name": "Bot", "scopes": ["trade", "read"], "current_password": PASSWORD}
    made = client.post("/api/api-keys", body, format="json")
    assert made.status_code == 201
    text = made.json()["key"]
    mark, prefix, secret = text.split("_", 2)
    assert (mark, prefix, made.json()["scopes"]) == ("algo", made.json()["prefix"], ["read", "trade"])
    assert len(secret) >= 43
    listed = client.get("/api/api-keys")
    assert secret not in listed.content.decode()
    assert [row["name"] for row in listed.json()["results"]] == ["Bot"]
    row = ApiKey.objects.get()
    assert secret not in str(vars(row))
    assert secret not in repr(row)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["admin"]}, "scopes.0"),
        ({"name": ""}, "name"),
        ({"current_password": "wrong"}, "current_password"),
        ({"allowed_networks": ["10.0.0.300"]}, "allowed_networks.0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"user": 1}, "user"),
    ],
)
def test_a_key_that_cannot_be_is_refused_by_field(
    change: dict[str, Any], field: str, trader: User, client_for: ClientFor
) -> None:
    body = {"name": "Bot", "scopes": ["read"], "current_password": PASSWORD, **change}
    response = client_for(trader).post("/api/api-keys", body, format="json")
    assert response.status_code == 400
    assert [error["field"].split(".")[0] for error in response.json()["errors"]] == [field.split(".")[0]]
    assert not ApiKey.objects.exists()


def test_two_live_keys_have_two_names_and_there_are_not_endlessly_many(trader: User) -> None:
    first, _ = api_key_create(user=trader, name="Bot", scopes=["read"])
    with pytest.raises(InvalidAccount, match="name"):
        api_key_create(user=trader, name="Bot", scopes=["read"])
    api_key_revoke(key=first)
    api_key_create(user=trader, name="Bot", scopes=["read"])
    for number in range(MAX_KEYS - 1):
        api_key_create(user=trader, name=str(number), scopes=["read"])
    with pytest.raises(NotAllowed, match=f"{MAX_KEYS} keys"):
        api_key_create(user=trader, name="one more", scopes=["read"])


@pytest.mark.parametrize(
    ("scopes", "reads", "places"),
    [(["read"], 200, 403), (["trade"], 403, 201), (["read", "trade"], 200, 201)],
)
def test_a_key_reaches_as_far_as_its_scopes(scopes: list[str], reads: int, places: int, desk: Desk, call: Call) -> None:
    _, text = make_key(desk.owner, *scopes)
    assert call("get", "/api/orders", key=text).status_code == reads
    order = {**ORDER, "client_order_id": "by-key", "portfolio": str(desk.portfolio.pk)}
    placed = call("post", "/api/orders", order, key=text)
    assert placed.status_code == places, placed.content
    if places == 403:
        assert placed.json()["code"] == "api_key_scope"


def test_a_key_never_outranks_its_owner(viewer: User, call: Call) -> None:
    _, text = make_key(viewer, "read", "trade")
    assert call("get", "/api/orders", key=text).status_code == 200
    refused = call("post", "/api/strategies", {}, key=text)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/api-keys"), ("post", "/api/api-keys"), ("get", "/api/auth/sessions"),
        ("delete", "/api/auth/sessions"), ("post", "/api/auth/mfa/enroll"), ("post", "/api/auth/mfa/disable"),
        ("get", "/api/auth/mfa"), ("post", "/api/auth/password"), ("get", "/api/users"), ("post", "/api/users"),
        ("get", "/api/audit"),
    ],
)  # fmt: skip
def test_an_administrators_key_manages_no_keys_users_or_second_factors(
    method: str, path: str, admin: User, call: Call
) -> None:
    _, text = make_key(admin, "read", "trade")
    refused = call(method, path, {}, key=text)
    assert (refused.status_code, refused.json()["code"]) == (403, "api_key_scope")
    assert call("get", "/api/auth/me", key=text).json()["username"] == "admin"


def test_a_key_works_from_its_networks_only(trader: User, call: Call) -> None:
    _, text = make_key(trader, allowed_networks=["203.0.113.0/24", "2001:db8::/32"])
    assert call("get", "/api/orders", key=text, ip="203.0.113.9").status_code == 200
    assert call("get", "/api/orders", key=text, ip="2001:db8::7").status_code == 200
    refused = call("get", "/api/orders", key=text, ip="203.0.114.9", HTTP_X_FORWARDED_FOR="203.0.113.9")
    assert (refused.status_code, refused.json()["code"]) == (401, "api_key_address")
    assert AuditEvent.objects.get(action=Action.KEY_REFUSED).ip == "203.0.114.9"


class TestEnding:
    pytestmark = live

    def test_revoked(self, trader: User, call: Call) -> None:
        key, text = make_key(trader)
        assert call("get", "/api/orders", key=text).status_code == 200
        api_key_revoke(key=key)
        refused = call("get", "/api/orders", key=text)
        assert (refused.status_code, refused.json()["code"]) == (401, "api_key_revoked")
        assert refused["WWW-Authenticate"].startswith("Bearer")

    def test_rotated(self, trader: User, call: Call) -> None:
        key, old = make_key(trader)
        assert call("get", "/api/orders", key=old).status_code == 200
        _, new = api_key_rotate(key=key)
        assert [call("get", "/api/orders", key=text).status_code for text in (old, new)] == [401, 200]
        api_key_revoke(key=key)
        with pytest.raises(NotAllowed):
            api_key_rotate(key=key)

    def test_expired(self, trader: User, call: Call) -> None:
        key, text = make_key(trader, expires_at=timezone.now() + timedelta(seconds=60))
        assert call("get", "/api/orders", key=text).status_code == 200
        key.refresh_from_db()
        key.expires_at = timezone.now()
        key.save()
        from apps.accounts.services.access import known_changed

        known_changed(f"key:{key.prefix}", lambda: key)
        assert call("get", "/api/orders", key=text).json()["code"] == "api_key_expired"

    def test_its_owner_is_switched_off_or_changes_role(self, trader: User, admin: User, call: Call) -> None:
        _, text = make_key(trader, "read", "trade")
        assert call("get", "/api/orders", key=text).status_code == 200
        user_change(user=trader, actor=admin, role=Role.VIEWER)
        assert call("post", "/api/strategies", {}, key=text).json()["code"] == "permission_denied"
        user_change(user=trader, actor=admin, is_active=False)
        assert call("get", "/api/orders", key=text).json()["code"] == "user_inactive"

    def test_a_new_password_leaves_it_working(self, trader: User, call: Call) -> None:
        _, text = make_key(trader)
        password_change(user=trader, new_password="quite-another-passphrase")
        assert call("get", "/api/orders", key=text).status_code == 200

    def test_a_known_key_and_token_cost_no_query_for_access(self, trader: User, call: Call) -> None:
        _, text = make_key(trader)
        token = session_begin(user=trader).access
        for signed in ({"key": text}, {"token": token}):
            for _ in range(2):
                call("get", "/api/auth/me", **signed)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert call("get", "/api/auth/me", **signed).status_code == 200
            assert [query["sql"] for query in queries.captured_queries] == []


@pytest.mark.parametrize("text", ["", "rubbish", "algo__", "algo_abc_", "algo_\u00e9_x", "x" * 5000, "algo_' or 1=1_x"])
def test_what_is_no_key_is_refused(text: str, db: None, call: Call) -> None:
    response = call("get", "/api/orders", key=text or " ", HTTP_X_API_KEY=text.encode().decode("latin-1"))
    assert (response.status_code, response.json()["code"]) == (401, "api_key_not_valid")


def test_a_wrong_secret_is_refused_like_an_unknown_prefix(trader: User, call: Call) -> None:
    key, text = make_key(trader)
    wrong = call("get", "/api/orders", key=text[:-1] + ("x" if text[-1] != "x" else "y")).json()
    unknown = call("get", "/api/orders", key=text.replace(key.prefix, "000000000000")).json()
    assert {**wrong, "correlation_id": ""} == {**unknown, "correlation_id": ""}


@pytest.mark.django_db(transaction=True)
def test_when_and_from_where_a_key_was_used_is_kept_and_recorded_once_an_hour(trader: User, call: Call) -> None:
    key, text = make_key(trader)
    for _ in range(3):
        call("get", "/api/orders", key=text, ip="203.0.113.9")
    key.refresh_from_db()
    assert key.used_from == "203.0.113.9"
    assert key.used_at is not None
    used = AuditEvent.objects.filter(action=Action.KEY_USED)
    assert [(event.credential, event.via, event.ip) for event in used] == [(key.prefix, "api_key", "203.0.113.9")]
    call("get", "/api/orders", key=text, ip="203.0.113.10")
    assert used.all().count() == 2


def test_anothers_key_is_as_good_as_missing(trader: User, other_trader: User, client_for: ClientFor) -> None:
    key, _ = make_key(other_trader)
    client = client_for(trader)
    assert client.get("/api/api-keys").json()["results"] == []
    assert client.get(f"/api/api-keys/{key.pk}").status_code == 404
    assert client.delete(f"/api/api-keys/{key.pk}").status_code == 404
    rotate = client.post(f"/api/api-keys/{key.pk}/rotate", {"current_password": PASSWORD}, format="json")
    assert rotate.status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None
