"""Signing in and out of the API, and changing one's own account."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from apps.accounts.errors import SignInRefused
from apps.accounts.models import Action, ApiSession, AuditEvent, Role, User
from apps.accounts.services import session_begin, session_refresh, user_change, verified
from tests.builders import PASSWORD
from tests.conftest import ClientFor

live = pytest.mark.django_db(transaction=True)
"""What takes effect with the commit needs one."""


def _sign_in(username: str = "trader", password: str = PASSWORD) -> dict[str, str]:
    client = APIClient()
    answer: dict[str, str] = client.post(
        "/api/auth/login", {"username": username, "password": password}, format="json"
    ).json()
    return answer


def _me(access: str) -> int:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client.get("/api/auth/me").status_code


def _post(path: str, **body: str) -> tuple[int, dict[str, str]]:
    response = APIClient().post(f"/api/auth/{path}", body, format="json")
    return response.status_code, response.json() if response.content else {}


@pytest.mark.parametrize("name", ["trader", "trader@example.com", "Trader@Example.COM"])
def test_sign_in_by_user_name_or_address_gives_tokens_that_work(name: str, trader: User) -> None:
    answer = _sign_in(name)
    assert set(answer) == {"access", "refresh", "user"}
    assert answer["user"]["role"] == "Trader"  # type: ignore[index]
    assert "password" not in str(answer["user"])
    assert _me(answer["access"]) == 200
    trader.refresh_from_db()
    assert trader.last_login is not None


@pytest.mark.parametrize(
    ("name", "password"),
    [("trader", "wrong-password"), ("nobody", PASSWORD), ("trader\0", PASSWORD), ("' or 1=1 --", PASSWORD)],
)
def test_a_wrong_name_and_a_wrong_password_answer_alike(name: str, password: str, trader: User) -> None:
    status, answer = _post("login", username=name, password=password)
    if "\0" in name:
        assert status == 400
        return
    assert (status, answer["code"], answer["detail"]) == (401, "invalid_credentials", "User name or password is wrong.")


@live
def test_an_account_that_is_switched_off_does_not_get_in(trader: User, admin: User) -> None:
    before = _sign_in()
    assert _me(before["access"]) == 200
    user_change(user=trader, actor=admin, is_active=False)
    assert _sign_in()["code"] == "invalid_credentials"
    assert _me(before["access"]) == 401
    assert _post("refresh", refresh=before["refresh"])[0] == 401


def test_nobody_can_be_shut_out_by_a_user_name_that_is_anothers_address(trader: User) -> None:
    User.objects.create_user("trader@example.com", "thief@example.com", "another-long-passphrase")
    assert _sign_in("trader@example.com")["user"]["username"] == "trader"  # type: ignore[index]


def test_refresh_tokens_are_exchanged_for_new_ones(trader: User) -> None:
    session = _sign_in()
    for _ in range(3):
        status, session = _post("refresh", refresh=session["refresh"])
        assert status == 200
        assert _me(session["access"]) == 200
    assert ApiSession.objects.count() == 1


@live
def test_a_used_refresh_token_that_comes_back_ends_the_whole_family(trader: User) -> None:
    stolen, other_device = _sign_in(), _sign_in()
    _, newer = _post("refresh", refresh=stolen["refresh"])
    assert _me(newer["access"]) == 200
    status, answer = _post("refresh", refresh=stolen["refresh"])
    assert (status, answer["code"]) == (401, "token_reused")
    assert _post("refresh", refresh=newer["refresh"])[0] == 401
    assert [_me(token["access"]) for token in (stolen, newer)] == [401, 401]
    assert _me(other_device["access"]) == 200
    assert _post("refresh", refresh=other_device["refresh"])[0] == 200
    record = AuditEvent.objects.get(action=Action.TOKEN_REUSED)
    assert (record.username, record.target_kind, record.ip) == ("trader", "API session", "127.0.0.1")


@live
def test_of_two_refreshes_at_once_one_wins(trader: User) -> None:
    refresh = session_begin(user=trader).refresh
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def run() -> None:
        try:
            start.wait(10)
            session_refresh(refresh=refresh)
            outcomes.append("renewed")
        except SignInRefused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["refused", "renewed"]


@live
def test_signing_out_ends_refresh_and_access_tokens(trader: User) -> None:
    session = _sign_in()
    assert _me(session["access"]) == 200
    assert _post("logout", refresh=session["refresh"]) == (204, {})
    assert _post("refresh", refresh=session["refresh"])[0] == 401
    assert _post("logout", refresh=session["refresh"])[0] == 401
    assert _me(session["access"]) == 401


def test_an_expired_a_wrong_and_a_misused_token_are_refused(trader: User) -> None:
    session = _sign_in()
    expired = AccessToken(session["access"])  # type: ignore[arg-type]
    expired.set_exp(lifetime=-timedelta(seconds=1))
    bare = AccessToken.for_user(trader)
    assert [_me(token) for token in (str(expired), str(bare), "rubbish", session["refresh"])] == [401] * 4
    assert _post("refresh", refresh=session["access"])[0] == 401
    assert _post("refresh", refresh="rubbish")[0] == 401


def test_a_token_that_was_good_before_is_refused_from_the_second_on_in_which_it_expires(trader: User) -> None:
    token = AccessToken(_sign_in()["access"])  # type: ignore[arg-type]
    token.set_exp(lifetime=timedelta(seconds=2))
    text = str(token)
    assert [_me(text), _me(text)] == [200, 200]
    time.sleep(max(0.0, token["exp"] - time.time()) + 0.01)
    assert _me(text) == 401


def test_another_signature_under_the_claims_of_a_token_that_is_known_is_refused(trader: User) -> None:
    token = _sign_in()["access"]
    content, _, signature = token.rpartition(".")
    forged = f"{content}.{signature[::-1]}"
    assert [_me(token), _me(forged), _me(content), _me(token)] == [200, 401, 401, 200]


def test_only_so_many_verified_tokens_are_remembered(trader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verified, "MOST_VERIFIED", 3)
    tokens = [session_begin(user=trader).access for _ in range(7)]
    assert [_me(token) for token in tokens * 2] == [200] * 14
    assert len(verified._verified) <= 3


@live
def test_tokens_of_a_deleted_account_are_refused(trader: User) -> None:
    session = _sign_in()
    trader.delete()
    assert _me(session["access"]) == 401
    assert _post("refresh", refresh=session["refresh"])[0] == 401


@live
def test_a_new_password_ends_every_session(trader: User, client_for: ClientFor) -> None:
    session = _sign_in()
    assert _me(session["access"]) == 200
    change = {"current_password": PASSWORD, "new_password": "quite-another-passphrase"}
    assert client_for(trader).post("/api/auth/password", change, format="json").status_code == 204
    assert _me(session["access"]) == 401
    assert _post("refresh", refresh=session["refresh"])[0] == 401
    assert _sign_in()["code"] == "invalid_credentials"
    assert "access" in _sign_in(password="quite-another-passphrase")


@live
def test_a_password_that_djangos_own_ways_have_set_ends_every_session_too(trader: User) -> None:
    session = _sign_in()
    trader.refresh_from_db()
    trader.set_password("quite-another-passphrase")
    trader.save()
    assert _me(session["access"]) == 401
    assert _post("refresh", refresh=session["refresh"])[0] == 401


@live
def test_another_role_takes_effect_at_once(trader: User, admin: User) -> None:
    session = _sign_in()
    assert _me(session["access"]) == 200
    user_change(user=trader, actor=admin, role=Role.VIEWER)
    assert _me(session["access"]) == 401
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {_sign_in()['access']}")
    assert client.post("/api/strategies", {}, format="json").status_code == 403


@live
def test_a_roles_permission_that_is_taken_away_is_gone_at_once(trader: User) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {_sign_in()['access']}")
    assert client.get("/api/orders").status_code == 200
    group = trader.groups.get()
    group.permissions.remove(group.permissions.get(codename="view_order"))
    assert client.get("/api/orders").status_code == 403
    group.permissions.add(*Permission.objects.filter(codename="view_order"))
    assert client.get("/api/orders").status_code == 200


@live
def test_sign_ins_are_listed_and_ended_one_by_one_or_all_at_once(trader: User, other_trader: User) -> None:
    phone, laptop = _sign_in(), _sign_in()
    theirs = session_begin(user=other_trader)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {laptop['access']}")
    rows = client.get("/api/auth/sessions").json()["results"]
    assert [row["is_current"] for row in rows] == [True, False]
    assert client.delete(f"/api/auth/sessions/{rows[1]['id']}").status_code == 204
    assert [_me(phone["access"]), _me(laptop["access"])] == [401, 200]
    foreign = ApiSession.objects.get(user=other_trader)
    assert client.delete(f"/api/auth/sessions/{foreign.pk}").status_code == 404
    assert client.delete("/api/auth/sessions").status_code == 204
    assert [_me(laptop["access"]), _me(theirs.access)] == [401, 200]


def test_a_password_is_not_changed_without_the_current_one(trader: User, client_for: ClientFor) -> None:
    client = client_for(trader)
    for change, field in [
        ({"current_password": "wrong", "new_password": "quite-another-passphrase"}, "current_password"),
        ({"new_password": "quite-another-passphrase"}, "current_password"),
        ({"current_password": PASSWORD, "new_password": "short"}, "new_password"),
        ({"current_password": PASSWORD, "new_password": "password1234"}, "new_password"),
    ]:
        response = client.post("/api/auth/password", change, format="json")
        assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field), change
    trader.refresh_from_db()
    assert trader.check_password(PASSWORD)


@live
def test_one_changes_ones_own_account(trader: User, client_for: ClientFor) -> None:
    client = client_for(trader)
    change = {"first_name": "Ada", "time_zone": "Europe/Berlin"}
    answer = client.patch("/api/auth/me", change, format="json").json()
    assert (answer["first_name"], answer["time_zone"]) == ("Ada", "Europe/Berlin")
    assert client.get("/api/auth/me").json() == answer


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"email": "new@example.com"}, "current_password"),
        ({"email": "other@example.com", "current_password": PASSWORD}, "email"),
        ({"email": "new@example.com", "current_password": "wrong"}, "current_password"),
        ({"new_password": "quite-another-passphrase"}, "new_password"),
        ({"role": "Admin"}, "role"),
        ({"is_superuser": True}, "is_superuser"),
        ({"tier": "enterprise"}, "tier"),
        ({"may_trade_live": True}, "may_trade_live"),
    ],
)
def test_a_change_that_may_not_be_is_refused_and_changes_nothing(
    change: dict[str, object], field: str, trader: User, other_trader: User, client_for: ClientFor
) -> None:
    client = client_for(trader)
    before = User.objects.filter(pk=trader.pk).values().get()
    response = client.patch("/api/auth/me", {"first_name": "Ada", **change}, format="json")
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert User.objects.filter(pk=trader.pk).values().get() == before
