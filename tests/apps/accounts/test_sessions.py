"""Signing in and out of the API, and changing one's own account."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from apps.accounts.errors import SignInRefused
from apps.accounts.models import User
from apps.accounts.services import session_refresh
from tests.builders import PASSWORD
from tests.conftest import ClientFor


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


def test_an_account_that_is_switched_off_does_not_get_in(trader: User) -> None:
    before = _sign_in()
    User.objects.update(is_active=False)
    assert _sign_in()["code"] == "invalid_credentials"
    assert _me(before["access"]) == 401
    assert _post("refresh", refresh=before["refresh"])[0] == 401


def test_nobody_can_be_shut_out_by_a_user_name_that_is_anothers_address(trader: User) -> None:
    User.objects.create_user("trader@example.com", "thief@example.com", "another-long-passphrase")
    assert _sign_in("trader@example.com")["user"]["username"] == "trader"  # type: ignore[index]


def test_a_refresh_token_works_once(trader: User) -> None:
    first = _sign_in()
    status, second = _post("refresh", refresh=first["refresh"])
    assert status == 200
    assert _me(second["access"]) == 200
    assert _post("refresh", refresh=first["refresh"])[0] == 401
    assert _post("refresh", refresh=second["refresh"])[0] == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_refreshes_at_once_one_wins(trader: User) -> None:
    refresh = str(RefreshToken.for_user(trader))
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


def test_signing_out_ends_the_refresh_token(trader: User) -> None:
    session = _sign_in()
    assert _post("logout", refresh=session["refresh"]) == (204, {})
    assert _post("refresh", refresh=session["refresh"])[0] == 401
    assert _post("logout", refresh=session["refresh"])[0] == 401


def test_an_expired_a_wrong_and_a_misused_token_are_refused(trader: User) -> None:
    expired = AccessToken.for_user(trader)
    expired.set_exp(lifetime=-timedelta(seconds=1))
    session = _sign_in()
    assert [_me(token) for token in (str(expired), "rubbish", session["refresh"])] == [401, 401, 401]
    assert _post("refresh", refresh=session["access"])[0] == 401
    assert _post("refresh", refresh="rubbish")[0] == 401


def test_tokens_of_a_deleted_account_are_refused(trader: User) -> None:
    session = _sign_in()
    trader.delete()
    assert _me(session["access"]) == 401
    assert _post("refresh", refresh=session["refresh"])[0] == 401


def test_a_new_password_ends_every_session(trader: User, client_for: ClientFor) -> None:
    session = _sign_in()
    change = {"current_password": PASSWORD, "new_password": "quite-another-passphrase"}
    assert client_for(trader).patch("/api/auth/me", change, format="json").status_code == 200
    assert _me(session["access"]) == 401
    assert _post("refresh", refresh=session["refresh"])[0] == 401
    assert _sign_in()["code"] == "invalid_credentials"
    assert "access" in _sign_in(password="quite-another-passphrase")


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
        ({"new_password": "quite-another-passphrase"}, "current_password"),
        ({"new_password": "quite-another-passphrase", "current_password": "wrong"}, "current_password"),
        ({"new_password": "short", "current_password": PASSWORD}, "password"),
        ({"role": "Admin"}, "role"),
        ({"is_superuser": True}, "is_superuser"),
        ({"tier": "enterprise"}, "tier"),
        ({"may_trade_live": True}, "may_trade_live"),
    ],
)
def test_a_change_that_may_not_be_is_refused_and_changes_nothing(
    change: dict[str, object], field: str, trader: User, other_trader: User, client_for: ClientFor
) -> None:
    before = User.objects.filter(pk=trader.pk).values().get()
    response = client_for(trader).patch("/api/auth/me", {"first_name": "Ada", **change}, format="json")
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert User.objects.filter(pk=trader.pk).values().get() == before
