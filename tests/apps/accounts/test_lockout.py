"""Guessing passwords: who is locked out, for how long, and who lets them in again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import LazySettings
from django.utils import timezone

from apps.accounts.models import Action, AuditEvent, User
from apps.accounts.services import account_unlock
from apps.accounts.services.lockout import locked_sign_ins
from tests.apps.accounts.conftest import Call
from tests.apps.dashboard.conftest import ConsoleFor, console_for  # noqa: F401 - a fixture
from tests.builders import PASSWORD
from tests.conftest import ClientFor


def attempt(call: Call, password: str, name: str = "trader", ip: str = "203.0.113.9") -> tuple[int, str]:
    response = call("post", "/api/auth/login", {"username": name, "password": password}, ip=ip)
    return response.status_code, response.json().get("code", "")


def lock(call: Call, name: str = "trader") -> None:
    for _ in range(5):
        attempt(call, "wrong", name)


def test_five_wrong_passwords_lock_the_pair_of_account_and_address(trader: User, call: Call) -> None:
    assert [attempt(call, "wrong")[0] for _ in range(5)] == [401, 401, 401, 401, 429]
    response = call("post", "/api/auth/login", {"username": "trader", "password": PASSWORD}, ip="203.0.113.9")
    assert (response.status_code, response.json()["code"]) == (429, "locked")
    assert 890 <= int(response["Retry-After"]) <= 900
    assert attempt(call, PASSWORD, ip="203.0.113.10")[0] == 200
    recorded = AuditEvent.objects.filter(action__startswith="auth.sign_in_")
    assert [event.action for event in recorded.order_by("id")] == [Action.SIGN_IN_FAILED] * 5 + [Action.SIGN_IN_LOCKED]
    assert {event.username for event in recorded} == {"trader"}


def test_both_names_of_an_account_are_counted_together(trader: User, call: Call) -> None:
    for name in ("trader", "trader@example.com", "Trader@Example.com", "trader"):
        attempt(call, "wrong", name)
    assert attempt(call, "wrong", "trader@example.com")[0] == 429
    assert attempt(call, PASSWORD, "trader")[0] == 429


def test_a_name_that_does_not_exist_is_locked_like_one_that_does(trader: User, call: Call) -> None:
    answers = [[attempt(call, "wrong", name) for _ in range(6)] for name in ("trader", "nobody")]
    assert answers[0] == answers[1]


def test_a_forged_address_changes_nothing(trader: User, call: Call) -> None:
    for number in range(5):
        call(
            "post", "/api/auth/login", {"username": "trader", "password": "wrong"},
            ip="203.0.113.9", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}",
        )  # fmt: skip
    assert attempt(call, PASSWORD)[0] == 429


def test_the_right_password_forgets_the_wrong_ones(trader: User, call: Call) -> None:
    for _ in range(3):
        for _ in range(4):
            attempt(call, "wrong")
        assert attempt(call, PASSWORD)[0] == 200


def test_after_a_quarter_of_an_hour_it_is_over(trader: User, call: Call) -> None:
    lock(call)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15, seconds=1))
    assert attempt(call, PASSWORD)[0] == 200


def test_trying_on_while_locked_does_not_lengthen_the_lock(trader: User, call: Call) -> None:
    lock(call)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14))
    for _ in range(3):
        assert attempt(call, "wrong")[0] == 429
    response = call("post", "/api/auth/login", {"username": "trader", "password": PASSWORD}, ip="203.0.113.9")
    assert 50 <= int(response["Retry-After"]) <= 60


def test_the_console_and_confirming_a_password_count_too(trader: User, call: Call, client_for: ClientFor) -> None:
    client = client_for(trader)
    for _ in range(4):
        client.post("/api/auth/password", {"current_password": "x", "new_password": "y" * 20}, format="json")
    locked = client.post("/api/auth/mfa/enroll", {"current_password": "wrong"}, format="json")
    assert (locked.status_code, locked.json()["code"]) == (429, "locked")
    from django.test import Client

    page = Client().post("/admin/login/", {"username": "trader", "password": PASSWORD})
    assert b"Too many wrong attempts" in page.content


def test_an_administrator_unlocks_in_the_console(
    trader: User,
    admin: User,
    call: Call,
    console_for: ConsoleFor,  # noqa: F811
) -> None:
    lock(call)
    row = locked_sign_ins().get()
    console = console_for(admin)
    assert b"Locked" in console.get("/admin/axes/accessattempt/").content
    response = console.post(f"/admin/axes/accessattempt/{row.pk}/unlock/", {"_form_submitted": "on"})
    assert response.status_code in (200, 302), response.content
    assert attempt(call, PASSWORD)[0] == 200
    unlocked = AuditEvent.objects.get(action=Action.SIGN_IN_UNLOCKED)
    assert (unlocked.user_id, unlocked.details["username"]) == (admin.pk, "trader")


def test_a_whole_account_is_unlocked_wherever_it_was_tried(trader: User, call: Call) -> None:
    lock(call)
    for _ in range(5):
        attempt(call, "wrong", ip="203.0.113.10")
    assert locked_sign_ins().count() == 2
    account_unlock(user=trader)
    assert [attempt(call, PASSWORD, ip=f"203.0.113.{number}")[0] for number in (9, 10)] == [200, 200]


def test_guessing_from_many_addresses_is_slowed_down(
    trader: User, call: Call, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATELIMIT_ENABLE = True
    settings.SIGN_INS_OF_A_NAME = "6/15m"
    from apps.accounts.services import lockout
    from apps.common.limits.counting import CallCounter

    monkeypatch.setattr(lockout, "account_name", lambda *_: f"trader {timezone.now().timestamp() // 900}-{id(trader)}")
    assert isinstance(lockout.counter, CallCounter)
    statuses = [attempt(call, "wrong", ip=f"198.51.100.{number}")[0] for number in range(8)]
    assert statuses == [401] * 6 + [429] * 2


def test_no_password_is_kept_with_an_attempt(trader: User, call: Call) -> None:
    attempt(call, "my-secret-typing-error")
    from django.test import Client

    Client().post("/admin/login/", {"username": "trader", "password": "my-secret-typing-error"})
    for row in AccessAttempt.objects.values():
        assert "my-secret-typing-error" not in str(row)
    assert not AuditEvent.objects.filter(details__icontains="my-secret").exists()
