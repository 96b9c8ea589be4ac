"""The second factor, by the authenticator's own arithmetic (RFC 6238)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import threading
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from apps.accounts.errors import Locked, SignInRefused
from apps.accounts.models import Action, AuditEvent, Authenticator, BackupCode, User
from apps.accounts.services import mfa_check, mfa_confirm, mfa_enroll, mfa_reset, session_begin, user_create
from apps.accounts.services.mfa import LOCKED_FOR
from tests.apps.accounts.conftest import Call
from tests.builders import PASSWORD
from tests.conftest import ClientFor


def password_at(secret: str, at: float) -> str:
    """Return RFC 6238's password, worked out here by itself."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def test_the_independent_passwords_are_those_of_the_standard() -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert [password_at(secret, at) for at in (59, 1111111109, 2000000000)] == ["287082", "081804", "279037"]


def enrolled(user: User) -> tuple[str, list[str]]:
    """Return the secret and the backup codes of a user whose second factor was just switched on."""
    secret = mfa_enroll(user=user).secret
    codes = mfa_confirm(user=user, code=password_at(secret, time.time() - 30))
    return secret, codes


def sign_in(call: Call) -> str:
    answer = call("post", "/api/auth/login", {"username": "trader", "password": PASSWORD})
    assert answer.status_code == 202
    assert set(answer.json()) == {"challenge", "expires_in"}
    return str(answer.json()["challenge"])


def answer(call: Call, challenge: str, code: str) -> tuple[int, dict[str, str]]:
    response = call("post", "/api/auth/mfa/challenge", {"challenge": challenge, "code": code})
    return response.status_code, response.json()


def test_setting_up_through_the_api(trader: User, client_for: ClientFor, call: Call) -> None:
    client = client_for(trader)
    assert client.get("/api/auth/mfa").json() == {
        "enabled": False, "required": False, "confirmed_at": None, "backup_codes_left": 0,
    }  # fmt: skip
    refused = client.post("/api/auth/mfa/enroll", {"current_password": "wrong"}, format="json")
    assert refused.status_code == 400
    shown = client.post("/api/auth/mfa/enroll", {"current_password": PASSWORD}, format="json").json()
    uri = urlsplit(shown["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query)["secret"] == [shown["secret"]]
    assert shown["qr_code"].startswith("data:image/svg+xml")
    assert call("post", "/api/auth/login", {"username": "trader", "password": PASSWORD}).status_code == 200

    wrong = client.post("/api/auth/mfa/verify", {"code": "000000"}, format="json")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_code")
    code = password_at(shown["secret"], time.time())
    codes = client.post("/api/auth/mfa/verify", {"code": code}, format="json").json()["backup_codes"]
    assert len(set(codes)) == 10
    again = client.post("/api/auth/mfa/enroll", {"current_password": PASSWORD}, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "mfa_state")
    stored = Authenticator.objects.get(user=trader)
    assert base64.b32decode(shown["secret"]).hex() not in stored.encrypted_secret
    assert shown["secret"] not in stored.encrypted_secret
    assert not BackupCode.objects.filter(digest__in=[code.replace("-", "") for code in codes]).exists()


def test_signing_in_takes_a_password_once(trader: User, call: Call) -> None:
    secret, _ = enrolled(trader)
    code = password_at(secret, time.time())
    status, session = answer(call, sign_in(call), code)
    assert status == 200
    assert call("get", "/api/auth/me", token=session["access"]).json()["mfa_enabled"] is True
    status, refused = answer(call, sign_in(call), code)
    assert (status, refused["code"]) == (401, "wrong_code")
    assert AuditEvent.objects.filter(action=Action.MFA_FAILED, username="trader").count() == 1


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_off(steps: int, taken: bool, trader: User) -> None:
    secret, _ = enrolled(trader)
    now = time.time() // 30 * 30 + 15
    code = password_at(secret, now + 30 * steps)
    if taken:
        mfa_check(user=trader, code=code)
    else:
        with pytest.raises(SignInRefused):
            mfa_check(user=trader, code=code)


def test_a_backup_code_stands_in_once(trader: User, call: Call) -> None:
    _, codes = enrolled(trader)
    assert answer(call, sign_in(call), codes[0].lower())[0] == 200
    assert answer(call, sign_in(call), codes[0])[0] == 401
    assert answer(call, sign_in(call), codes[1].replace("-", ""))[0] == 200
    assert AuditEvent.objects.filter(action=Action.MFA_BACKUP_USED).latest("id").details == {"left": 8}


@pytest.mark.parametrize("rubbish", ["", "12345", "1234567", "abcdef", "\u0661\u0662\u0663", "-12345"])
def test_rubbish_is_no_code(rubbish: str, trader: User) -> None:
    enrolled(trader)
    with pytest.raises(SignInRefused):
        mfa_check(user=trader, code=rubbish)


def test_five_wrong_codes_lock_for_a_quarter_of_an_hour(trader: User, call: Call) -> None:
    secret, codes = enrolled(trader)
    for _ in range(4):
        assert answer(call, sign_in(call), "000000")[0] == 401
    response = call("post", "/api/auth/mfa/challenge", {"challenge": sign_in(call), "code": "000000"})
    assert (response.status_code, response.json()["code"]) == (429, "locked")
    assert 890 <= int(response["Retry-After"]) <= 900
    for code in (password_at(secret, time.time()), codes[0]):
        assert answer(call, sign_in(call), code)[0] == 429
    assert AuditEvent.objects.filter(action=Action.MFA_LOCKED, username="trader").count() == 1
    Authenticator.objects.update(locked_until=timezone.now())
    assert answer(call, sign_in(call), codes[0])[0] == 200
    assert LOCKED_FOR.total_seconds() == 900


@pytest.mark.django_db(transaction=True)
def test_of_two_uses_of_one_code_at_once_one_is_taken(trader: User) -> None:
    secret, codes = enrolled(trader)
    for code in (password_at(secret, time.time()), codes[0]):
        outcomes: list[str] = []
        start = threading.Barrier(2)

        def run(code: str = code, outcomes: list[str] = outcomes, start: threading.Barrier = start) -> None:
            try:
                start.wait(10)
                mfa_check(user=trader, code=code)
                outcomes.append("taken")
            except SignInRefused:
                outcomes.append("refused")
            finally:
                connection.close()

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sorted(outcomes) == ["refused", "taken"]


def test_a_challenge_is_no_token_and_ends_with_the_password(trader: User, call: Call) -> None:
    secret, _ = enrolled(trader)
    challenge = sign_in(call)
    assert call("get", "/api/auth/me", token=challenge).status_code == 401
    assert call("post", "/api/auth/refresh", {"refresh": challenge}).status_code == 401
    trader.refresh_from_db()
    trader.set_password("quite-another-passphrase")
    trader.save()
    status, refused = answer(call, challenge, password_at(secret, time.time()))
    assert (status, refused["code"]) == (401, "challenge_over")
    assert answer(call, "rubbish", "123456")[0] == 401


def test_switching_off_needs_password_and_code(trader: User, client_for: ClientFor) -> None:
    _, codes = enrolled(trader)
    client = client_for(trader)
    good = {"current_password": PASSWORD, "code": codes[0]}
    for bad, status in [({"code": "000000"}, 401), ({"current_password": "wrong"}, 400)]:
        assert client.post("/api/auth/mfa/disable", {**good, **bad}, format="json").status_code == status
    assert client.post("/api/auth/mfa/disable", good, format="json").status_code == 204
    assert not Authenticator.objects.exists()
    assert client.post("/api/auth/mfa/disable", good, format="json").status_code in (401, 409)


def test_new_backup_codes_replace_the_old_ones(trader: User, client_for: ClientFor) -> None:
    _, codes = enrolled(trader)
    proof = {"current_password": PASSWORD, "code": codes[0]}
    fresh = client_for(trader).post("/api/auth/mfa/backup-codes", proof, format="json").json()["backup_codes"]
    with pytest.raises(SignInRefused):
        mfa_check(user=trader, code=codes[1])
    mfa_check(user=trader, code=fresh[0])


class TestRequiredOfAdministrators:
    @pytest.fixture(autouse=True)
    def _required(self, settings: LazySettings) -> None:
        settings.MFA_REQUIRED_FOR_ADMINS = True

    def test_without_one_nothing_else_is_open(self, admin: User, trader: User, call: Call) -> None:
        token = session_begin(user=admin).access
        refused = call("get", "/api/orders", token=token)
        assert (refused.status_code, refused.json()["code"]) == (403, "mfa_enrollment_required")
        assert call("get", "/api/auth/me", token=token).status_code == 200
        assert call("get", "/api/auth/mfa", token=token).json()["required"] is True
        assert call("get", "/api/orders", token=session_begin(user=trader).access).status_code == 200

    def test_the_console_leads_to_where_it_is_set_up(self, admin: User, client: object) -> None:
        client.force_login(admin)  # type: ignore[attr-defined]
        response = client.get("/admin/orders/order/")  # type: ignore[attr-defined]
        assert (response.status_code, response["Location"]) == (302, "/admin/account/security/")
        assert client.get("/admin/account/security/").status_code == 200  # type: ignore[attr-defined]

    def test_it_cannot_be_switched_off(self, admin: User, client_for: ClientFor) -> None:
        _, codes = enrolled(admin)
        proof = {"current_password": PASSWORD, "code": codes[0]}
        response = client_for(admin).post("/api/auth/mfa/disable", proof, format="json")
        assert (response.status_code, response.json()["code"]) == (403, "not_allowed")

    def test_another_administrator_helps_one_who_has_lost_it(self, admin: User) -> None:
        from apps.accounts.models import Role

        other = user_create(username="second", email="second@example.com", password=PASSWORD, role=Role.ADMIN)
        enrolled(other)
        mfa_reset(user=other)
        assert User.objects.get(pk=other.pk).must_enroll_mfa


def test_locked_says_when(trader: User) -> None:
    enrolled(trader)
    Authenticator.objects.update(locked_until=timezone.now() + LOCKED_FOR)
    with pytest.raises(Locked, match="15 min") as caught:
        mfa_check(user=trader, code="000000")
    assert 890 <= caught.value.retry_after <= 900
