"""Registering, letters, forgotten passwords; one letter goes by a real SMTP conversation."""

from __future__ import annotations

import re
import smtplib
import socketserver
import time
from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest
from django.conf import LazySettings
from django.core import mail, signing
from django.core.mail.backends import smtp

from apps.accounts import tasks
from apps.accounts.models import Action, AuditEvent, User
from apps.accounts.services.passwords import reset_token
from apps.accounts.services.registration import LINK_DAYS, verification_token
from tests.apps.accounts.conftest import Call
from tests.builders import PASSWORD
from tests.serving import serving

NEW = {"username": "newcomer", "email": "New@Example.com", "password": "a-long-enough-passphrase"}


@pytest.fixture
def is_open(settings: LazySettings, db: None) -> None:
    settings.REGISTRATION_OPEN = True
    settings.WEB_URL = "https://trade.example"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[object, ...]]]:
    """Return what is handed to the workers, in the order in which it was."""
    found: list[tuple[str, tuple[object, ...]]] = []
    for module in ("passwords", "registration"):
        monkeypatch.setattr(
            f"apps.accounts.services.{module}.enqueue", lambda name, *args, **options: found.append((name, args))
        )
    return found


def link_of(letter: mail.EmailMessage) -> tuple[str, str]:
    """Return the page and the token that a letter links to."""
    found = re.search(r"https://trade\.example/account/([a-z-]+)#(\S+)", letter.body)
    assert found
    return found[1], found[2]


def test_registration_is_closed_unless_it_is_opened(db: None, call: Call) -> None:
    response = call("post", "/api/auth/register", NEW)
    assert (response.status_code, response.json()["code"]) == (403, "registration_closed")
    assert call("get", "/account/register").status_code == 404
    assert not User.objects.exists()


@pytest.mark.usefixtures("is_open")
def test_an_account_works_once_its_letter_was_opened(call: Call, sent: list[tuple[str, tuple[int]]]) -> None:
    assert call("post", "/api/auth/register", NEW).status_code == 202
    user = User.objects.get()
    assert (user.username, user.email, user.role, user.awaits_verification) == (
        "newcomer", "new@example.com", "Viewer", True,
    )  # fmt: skip
    signing_in = {"username": "newcomer", "password": NEW["password"]}
    refused = call("post", "/api/auth/login", signing_in)
    assert (refused.status_code, refused.json()["code"]) == (403, "email_not_verified")
    wrong = call("post", "/api/auth/login", {**signing_in, "password": "wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")

    assert sent == [("accounts.send_verification", (user.pk,))]
    tasks.send_verification(user.pk)
    (letter,) = mail.outbox
    assert letter.to == ["new@example.com"]
    page, token = link_of(letter)
    assert page == "verify-email"
    assert call("post", "/api/auth/verify-email", {"token": token}).status_code == 204
    assert call("post", "/api/auth/login", signing_in).status_code == 200
    assert call("post", "/api/auth/verify-email", {"token": token}).status_code == 204
    actions = AuditEvent.objects.filter(user_id=user.pk).order_by("id").values_list("action", flat=True)
    assert set(actions) >= {Action.REGISTERED, Action.VERIFIED, Action.SIGNED_IN}
    assert not tasks.send_verification(user.pk)


@pytest.mark.usefixtures("is_open")
def test_an_address_that_has_an_account_is_told_to_its_owner_only(
    trader: User, call: Call, sent: list[tuple[str, tuple[int]]]
) -> None:
    known = call("post", "/api/auth/register", {**NEW, "email": "TRADER@example.com"})
    unknown = call("post", "/api/auth/register", {**NEW, "username": "other"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert User.objects.filter(username="newcomer").count() == 0
    assert sent[0] == ("accounts.send_known_address", (trader.pk,))
    tasks.send_known_address(trader.pk)
    assert "/account/forgot-password" in mail.outbox[0].body


@pytest.mark.usefixtures("is_open")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "a@b"}, "username"),
        ({"password": "short"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"email": "nowhere"}, "email"),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"role": "Admin"}, "role"),
        ({"is_staff": True}, "is_staff"),
    ],
)
def test_what_cannot_be_registered_is_refused_by_field(change: dict[str, object], field: str, call: Call) -> None:
    response = call("post", "/api/auth/register", {**NEW, **change})
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not User.objects.exists()


@pytest.mark.usefixtures("is_open")
def test_a_letter_is_sent_again_to_those_who_wait_for_one(
    trader: User, call: Call, sent: list[tuple[str, tuple[int]]]
) -> None:
    for email in ("trader@example.com", "nobody@example.com"):
        assert call("post", "/api/auth/register/resend", {"email": email}).status_code == 202
    assert sent == []
    User.objects.update(awaits_verification=True)
    assert call("post", "/api/auth/register/resend", {"email": "Trader@example.com"}).status_code == 202
    assert sent == [("accounts.send_verification", (trader.pk,))]


@pytest.mark.parametrize("token", ["rubbish", "", "a.b", "MQ.abc-def", "\u00e9"])
def test_links_that_are_not_ours_are_refused(token: str, db: None, call: Call) -> None:
    body = {"token": token or " ", "new_password": "quite-another-passphrase"}
    for path in ("/api/auth/verify-email", "/api/auth/password/reset/confirm"):
        given = body if "reset" in path else {"token": body["token"]}
        assert call("post", path, given).status_code in (400, 401)


def test_a_verification_link_is_of_its_address_and_of_some_days(
    trader: User, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.update(awaits_verification=True)
    token = verification_token(trader)
    now = time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + LINK_DAYS * 86_400 + 2)
    assert call("post", "/api/auth/verify-email", {"token": token}).status_code == 401
    monkeypatch.undo()
    User.objects.update(email="moved@example.com")
    assert call("post", "/api/auth/verify-email", {"token": token}).status_code == 401


def test_a_forgotten_password_is_replaced_by_a_letters_link_once(
    trader: User, call: Call, settings: LazySettings, sent: list[tuple[str, tuple[int]]]
) -> None:
    settings.WEB_URL = "https://trade.example"
    known = call("post", "/api/auth/password/reset", {"email": "Trader@example.com"})
    unknown = call("post", "/api/auth/password/reset", {"email": "nobody@example.com"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert sent == [("accounts.send_password_reset", (trader.pk,))]
    tasks.send_password_reset(trader.pk)
    page, token = link_of(mail.outbox[0])
    assert page == "reset-password"
    weak = call("post", "/api/auth/password/reset/confirm", {"token": token, "new_password": "short"})
    assert weak.status_code == 400
    good = {"token": token, "new_password": "quite-another-passphrase"}
    assert call("post", "/api/auth/password/reset/confirm", good).status_code == 204
    assert call("post", "/api/auth/password/reset/confirm", good).status_code == 401
    trader.refresh_from_db()
    assert trader.check_password("quite-another-passphrase")


def test_a_reset_link_is_over_after_an_hour_and_for_accounts_that_are_switched_off(trader: User, call: Call) -> None:
    token = reset_token(trader)
    User.objects.update(is_active=False)
    body = {"token": token, "new_password": "quite-another-passphrase"}
    assert call("post", "/api/auth/password/reset/confirm", body).status_code == 401
    assert tasks.send_password_reset(trader.pk) is False


class _Mailbox(socketserver.ThreadingTCPServer):
    """As much of an SMTP server as a letter needs; it refuses the first conversation for a while."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.letters: list[bytes] = []
        self.refusals = 1


class _Conversation(socketserver.StreamRequestHandler):
    server: _Mailbox

    def handle(self) -> None:
        self.say("220 mail.example")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "MAIL" and self.server.refusals:
                self.server.refusals -= 1
                self.say("451 try again later")
            elif word == "DATA":
                self.say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.letters.append(b"".join(lines))
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mailbox() -> Iterator[_Mailbox]:
    with serving(_Mailbox()) as server:
        yield server


def test_a_letter_that_the_mail_server_refuses_for_now_is_sent_again(
    trader: User, mailbox: _Mailbox, settings: LazySettings
) -> None:
    settings.EMAIL_BACKEND = f"{smtp.__name__}.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mailbox.server_address[1]
    settings.WEB_URL = "https://trade.example"
    result = tasks.send_password_reset.apply(args=[trader.pk])
    assert result.successful(), result.traceback
    (letter,) = [message_from_bytes(raw, policy=policy.default) for raw in mailbox.letters]
    assert letter["To"] == "trader@example.com"
    assert "https://trade.example/account/reset-password#" in letter.get_content()
    assert smtplib.SMTPException in tasks.TRANSIENT["autoretry_for"]  # type: ignore[operator]


def test_the_pages_of_letters_do_what_the_api_does(trader: User, call: Call) -> None:
    assert b"Forgotten password" in call("get", "/account/forgot-password").content
    page = "/account/reset-password"
    token = reset_token(trader)
    from django.test import Client

    browser = Client()
    weak = browser.post(page, {"token": token, "new_password": "short"})
    assert b"too short" in weak.content
    done = browser.post(page, {"token": token, "new_password": "quite-another-passphrase"})
    assert b"The new password is set" in done.content
    assert b"not valid" in browser.post(page, {"token": token, "new_password": PASSWORD}).content
    trader.refresh_from_db()
    assert trader.check_password("quite-another-passphrase")


def test_each_page_names_what_its_button_does(db: None, call: Call) -> None:
    for page, button in [("forgot-password", "Send the letter"), ("reset-password", "Set password")]:
        text = re.sub(r"\s+", " ", call("get", f"/account/{page}").content.decode())
        assert re.search(rf"<button[^>]*> {button} </button>", text), page
