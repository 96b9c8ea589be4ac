"""A web server whose database or Redis is away: it says so, and when to come again, and goes on where it can."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from django.conf import settings
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import session_begin
from tests.apps.dashboard.conftest import book_of
from tests.builders import make_user
from tests.processes import free_port, granian

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user(transactional_db: None) -> User:
    return make_user()


@pytest.fixture
def cookies(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}


@pytest.fixture
def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {session_begin(user=user).access}"}


@pytest.fixture
def without_database() -> Iterator[str]:
    port = free_port()
    with granian("wsgi", port, DATABASE_URL=f"postgres://user:hidden@127.0.0.1:{free_port()}/none"):
        yield f"http://localhost:{port}"


@pytest.fixture
def without_redis() -> Iterator[str]:
    port = free_port()
    with granian("wsgi", port, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0"):
        yield f"http://localhost:{port}"


def test_without_its_database_the_api_says_when_to_come_again(
    without_database: str, bearer: dict[str, str], cookies: dict[str, str]
) -> None:
    login = requests.post(f"{without_database}/api/auth/login", json={"username": "a", "password": "b"}, timeout=20)
    listed = requests.get(f"{without_database}/api/orders", headers=bearer, timeout=20)
    from_console = requests.get(f"{without_database}/api/orders", cookies=cookies, timeout=20)
    for answer in (login, listed, from_console):
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
        assert answer.json()["code"] == "unavailable"
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["X-Request-ID"]
        assert "hidden" not in answer.text
        assert "127.0.0.1" not in answer.text


def test_without_its_database_the_console_shows_a_plain_page(without_database: str, cookies: dict[str, str]) -> None:
    answer = requests.get(f"{without_database}/admin/", cookies=cookies, timeout=20)
    assert answer.status_code == 503
    assert "cannot be reached right now" in answer.text
    assert answer.headers["Retry-After"] == "5"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert requests.get(f"{without_database}/api/health/live", timeout=20).status_code == 200


def test_without_redis_the_api_goes_on_and_the_console_waits(
    without_redis: str, user: User, bearer: dict[str, str], cookies: dict[str, str]
) -> None:
    book = book_of(user)
    listed = requests.get(f"{without_redis}/api/orders", headers=bearer, timeout=20)
    assert listed.status_code == 200
    assert str(book.order.pk) in listed.text
    page = requests.get(f"{without_redis}/admin/", cookies=cookies, timeout=20)
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
