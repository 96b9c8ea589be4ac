"""Calls are counted by user or address, in Redis; without Redis the API answers on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import structlog
from django.conf import LazySettings
from django.core.cache import caches

from apps.accounts.models import User
from apps.common.api.throttling import DeclaredThrottle
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _three_a_minute(settings: LazySettings) -> None:
    settings.RATELIMIT_ENABLE = True
    settings.RATELIMIT_CACHE_PREFIX = f"rl:{uuid.uuid4()}:"
    settings.RATE_LIMITS = {"general": ["3/m"], "orders": ["2/m"], "login": ["1/m"]}


@pytest.fixture
def _redis_is_down(settings: LazySettings) -> Iterator[None]:
    down = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {**settings.CACHES, "down": down}
    settings.RATELIMIT_USE_CACHE = "down"
    yield
    caches["down"].close()
    DeclaredThrottle.is_counting = True


def test_a_user_who_calls_too_often_is_told_when_to_come_back(trader: User, client_for: ClientFor) -> None:
    client = client_for(trader)
    assert [client.get("/api/portfolios").status_code for _ in range(4)] == [200, 200, 200, 429]
    response = client.get("/api/portfolios")
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "throttled"
    assert 1 <= int(response["Retry-After"]) <= 60
    assert response["Retry-After"] in response.json()["detail"]


def test_users_are_counted_apart_and_so_are_scopes(trader: User, other_trader: User, client_for: ClientFor) -> None:
    for _ in range(4):
        client_for(trader).get("/api/portfolios")
    assert client_for(other_trader).get("/api/portfolios").status_code == 200
    assert [client_for(trader).get("/api/orders").status_code for _ in range(3)] == [200, 200, 429]


def test_signing_in_is_counted_by_address(client_for: ClientFor) -> None:
    wrong = {"username": "nobody", "password": "nothing"}
    answers = [client_for(None).post("/api/auth/login", wrong, format="json").status_code for _ in range(2)]
    assert answers == [401, 429]


@pytest.mark.usefixtures("_redis_is_down")
def test_without_redis_the_api_answers_on_and_says_so_once(trader: User, client_for: ClientFor) -> None:
    client = client_for(trader)
    with structlog.testing.capture_logs() as logs:
        assert {client.get("/api/portfolios").status_code for _ in range(5)} == {200}
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["rate_limits_off"]
