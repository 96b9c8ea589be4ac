"""Making accounts: by the platform at its first start, and by hand."""

from __future__ import annotations

import io
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.accounts.errors import InvalidAccount
from apps.accounts.models import Role, Tier, User
from apps.accounts.services import ensure_first_admin, user_create
from tests.builders import PASSWORD


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADMIN_USERNAME", "ADMIN_EMAIL", "ADMIN_PASSWORD", "ADMIN_PASSWORD_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.django_db
def test_the_first_admin_gets_a_random_password_that_is_told_once() -> None:
    admin, password = ensure_first_admin()
    assert (admin.username, admin.email, admin.role) == ("admin", "admin@localhost", "Admin")
    assert password is not None
    assert admin.check_password(password)
    assert admin.is_staff
    assert ensure_first_admin() == (admin, None)
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_the_environment_may_say_who_the_first_admin_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("secrets") / "password"
    file.write_text(PASSWORD + "\n")
    monkeypatch.setenv("ADMIN_USERNAME", "root")
    monkeypatch.setenv("ADMIN_EMAIL", "Root@Example.com")
    monkeypatch.setenv("ADMIN_PASSWORD_FILE", str(file))
    admin, password = ensure_first_admin()
    assert (admin.username, admin.email, password) == ("root", "root@example.com", None)
    assert admin.check_password(PASSWORD)


@pytest.mark.django_db
def test_a_weak_password_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_PASSWORD", "password")
    with pytest.raises(InvalidAccount, match="password: "):
        ensure_first_admin()
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_starts_at_once_make_one_admin() -> None:
    made: list[tuple[User, str | None]] = []
    start = threading.Barrier(4)

    def run() -> None:
        try:
            start.wait(10)
            made.append(ensure_first_admin())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 4
    assert len([password for _, password in made if password]) == 1
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": "TRADER"}, "username"),
        ({"username": "a@b"}, "username"),
        ({"username": ""}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"email": "TRADER@example.com"}, "email"),
        ({"email": "nowhere"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "123456789012"}, "password"),
        ({"password": "new_trader_1"}, "password"),
    ],
)
def test_an_account_that_cannot_be_is_refused_by_field(changes: dict[str, str], field: str, trader: User) -> None:
    values = {"username": "new_trader", "email": "new@example.com", "password": PASSWORD, **changes}
    with pytest.raises(InvalidAccount) as caught:
        user_create(username=values["username"], email=values["email"], password=values["password"], role=Role.TRADER)
    assert list(caught.value.errors) == [field]
    assert User.objects.count() == 1


def _create(*args: str) -> str:
    out = io.StringIO()
    call_command("create_api_user", *args, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_makes_an_account_and_says_how_to_sign_in() -> None:
    told = _create("bot", "--email", "bot@example.com", "--role", "viewer", "--tier", "premium")
    bot = User.objects.get(username="bot")
    assert (bot.role, bot.tier) == ("Viewer", Tier.PREMIUM)
    password = next(line for line in told.splitlines() if line.startswith("Password")).split(": ")[1]
    assert bot.check_password(password)
    assert "/api/auth/login" in told


@pytest.mark.django_db
def test_the_command_takes_a_password_from_stdin_and_does_not_repeat_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    told = _create("bot", "--email", "bot@example.com", "--password-stdin")
    assert User.objects.get(username="bot").check_password(PASSWORD)
    assert PASSWORD not in told


@pytest.mark.django_db
@pytest.mark.parametrize(("stdin", "message"), [("", "no password on stdin"), ("short\n", "password: ")])
def test_the_command_says_what_is_wrong_and_makes_nothing(
    stdin: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    with pytest.raises(CommandError, match=message):
        _create("bot", "--email", "bot@example.com", "--password-stdin")
    assert not User.objects.exists()
