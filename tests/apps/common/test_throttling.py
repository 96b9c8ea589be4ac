"""Who is counted, when, and what every answer tells of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import RequestFactory
from django_ratelimit.core import get_usage
from prometheus_client import REGISTRY
from redis.connection import AbstractConnection
from rest_framework.test import APIClient

from apps.accounts.api.throttling import TierThrottle
from apps.accounts.models import User
from apps.common.api.throttling import BY_ADDRESS, UNLIMITED
from apps.common.api.views import CountedCalls
from tests.builders import PASSWORD
from tests.conftest import ClientFor
from tests.limits import Clock, clock, limited
from tests.routes import Route, api_routes

__all__ = ["clock", "limited"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("limited")]
HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit")


@pytest.fixture(autouse=True)
def _few(settings: LazySettings) -> None:
    few = {"general": ["5/m", "3/s"], "orders": ["2/m"], "market_data": ["9/m"]}
    settings.RATE_LIMITS = {"anonymous": {**few, "login": ["2/m"], "register": ["1/h"]}, "free": few}


def _statuses(client: APIClient, path: str, times: int, **extra: Any) -> list[int]:
    return [client.get(path, **extra).status_code for _ in range(times)]


@pytest.mark.parametrize("route", api_routes(), ids=lambda route: route.path)
def test_every_route_counts_its_calls_in_a_scope_that_has_limits(route: Route, settings: LazySettings) -> None:
    assert issubclass(route.view, CountedCalls)
    assert route.view.throttle_classes == [TierThrottle]
    scope = getattr(route.view, "rate_scope", "general")
    is_health = route.path.startswith("/api/health/")
    assert (scope == UNLIMITED) is is_health
    tiers = [settings.RATE_LIMITS["anonymous"]] if scope in BY_ADDRESS else settings.RATE_LIMITS.values()
    assert is_health or all(scope in scopes for scopes in tiers)


def test_who_calls_too_often_is_told_when_to_come_back(trader: User, client_for: ClientFor, clock: Clock) -> None:
    client = client_for(trader)
    clock.now = int(client.get("/api/portfolios")["X-RateLimit-Reset"]) - 30  # well within a minute
    assert _statuses(client, "/api/portfolios", 2) == [200, 200]
    clock.forward()
    assert _statuses(client, "/api/portfolios", 3) == [200, 200, 429]
    response = client.get("/api/portfolios")
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert (problem["code"], problem["status"], problem["instance"]) == ("throttled", 429, "/api/portfolios")
    wait = int(response["Retry-After"])
    assert f"{wait} s" in problem["detail"]
    assert clock.now + wait == int(response["X-RateLimit-Reset"])
    clock.forward(wait - 1)
    assert client.get("/api/portfolios").status_code == 429
    clock.forward()
    assert client.get("/api/portfolios").status_code == 200


def test_a_burst_is_refused_for_a_second(trader: User, client_for: ClientFor, clock: Clock) -> None:
    client = client_for(trader)
    third = [client.get("/api/portfolios") for _ in range(3)][-1]
    # Two calls of the minute are left, but none of this second: that is what holds up the caller now.
    assert [third[name] for name in HEADERS[:2]] == ["3", "0"]
    refused = client.get("/api/portfolios")
    assert (refused.status_code, refused["Retry-After"]) == (429, "1")
    assert refused["X-RateLimit-Reset"] == str(clock.now + 1)
    clock.forward()
    assert client.get("/api/portfolios").status_code == 200


def test_the_headers_tell_the_truth_call_by_call(trader: User, client_for: ClientFor, clock: Clock) -> None:
    client = client_for(trader)
    for used in (1, 2):
        response = client.get("/api/portfolios")
        assert [response[name] for name in HEADERS[:2]] == ["5", str(5 - used)]
        left = int(response["X-RateLimit-Reset"]) - clock.now
        assert 1 <= left <= 60
        assert response["RateLimit-Policy"] == '"minute";q=5;w=60, "burst";q=3;w=1'
        assert response["RateLimit"] == f'"minute";r={5 - used};t={left}, "burst";r={3 - used};t=1'
        assert "Retry-After" not in response


def test_users_are_counted_apart_and_so_are_scopes(trader: User, other_trader: User, client_for: ClientFor) -> None:
    assert _statuses(client_for(trader), "/api/portfolios", 4)[-1] == 429
    assert client_for(other_trader).get("/api/portfolios").status_code == 200
    assert _statuses(client_for(trader), "/api/orders", 3) == [200, 200, 429]


def test_all_tokens_sessions_and_keys_of_a_user_share_the_users_calls(trader: User, client_for: ClientFor) -> None:
    session, key = APIClient(), APIClient()
    session.force_login(trader)
    key.force_authenticate(trader, token=SimpleNamespace(pk=1, requests_per_minute=None))
    clients = [client_for(trader), client_for(trader), session, key]
    assert [client.get("/api/portfolios").status_code for client in clients] == [200, 200, 200, 429]


def test_a_key_may_have_a_lower_limit_of_its_own_over_all_scopes(trader: User) -> None:
    first, second = APIClient(), APIClient()
    first.force_authenticate(trader, token=SimpleNamespace(pk=1, requests_per_minute=2))
    second.force_authenticate(trader, token=SimpleNamespace(pk=2, requests_per_minute=2))
    response = first.get("/api/portfolios")
    assert [response[name] for name in HEADERS[:2]] == ["2", "1"]
    assert '"key";q=2;w=60' in response["RateLimit-Policy"]
    assert first.get("/api/market-data/instruments").status_code == 200
    assert first.get("/api/portfolios").status_code == 429
    assert second.get("/api/portfolios").status_code == 200


def test_a_key_gives_no_more_than_its_user_has(trader: User) -> None:
    client = APIClient()
    client.force_authenticate(trader, token=SimpleNamespace(pk=1, requests_per_minute=1000))
    assert _statuses(client, "/api/orders", 3) == [200, 200, 429]


def test_signing_in_is_counted_by_address_whoever_calls(trader: User, client_for: ClientFor) -> None:
    wrong = {"username": "nobody", "password": "nothing"}
    right = {"username": "trader", "password": PASSWORD}
    clients = [client_for(None), client_for(trader), client_for(None)]
    answers = [
        client.post("/api/auth/login", body, format="json").status_code
        for client, body in zip(clients, (wrong, wrong, right), strict=True)
    ]
    assert answers == [401, 401, 429]
    elsewhere = client_for(None).post("/api/auth/login", right, format="json", REMOTE_ADDR="198.51.100.7")
    assert elsewhere.status_code == 200


def test_a_forged_address_changes_nothing(client_for: ClientFor) -> None:
    client = client_for(None)
    forged = [
        {name: f"203.0.113.{number}"}
        for number, name in enumerate(("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_CLIENT_IP"))
    ]
    assert [client.get("/api/portfolios", **headers).status_code for headers in forged] == [401, 401, 401, 429]


def test_the_addresses_of_one_ipv6_network_share_their_calls(client_for: ClientFor) -> None:
    client = client_for(None)
    answers = [client.get("/api/portfolios", REMOTE_ADDR=f"2001:db8::{n}").status_code for n in range(1, 5)]
    assert answers == [401, 401, 401, 429]
    assert client.get("/api/portfolios", REMOTE_ADDR="2001:db8:0:1::1").status_code == 401


def test_calls_that_are_not_let_in_count(viewer: User, client_for: ClientFor) -> None:
    client = client_for(viewer)
    assert [client.post("/api/strategies", {}, format="json").status_code for _ in range(4)] == [403, 403, 403, 429]
    liar = APIClient()
    liar.credentials(HTTP_AUTHORIZATION="Bearer rubbish")
    assert _statuses(liar, "/api/portfolios", 4) == [401, 401, 401, 429]
    assert client_for(None).get("/api/portfolios").status_code == 429, "a liar is counted by address"


def test_paths_that_do_not_exist_are_counted_by_address(trader: User, client_for: ClientFor) -> None:
    client = client_for(trader)
    assert _statuses(client, "/api/nothing-here", 4) == [404, 404, 404, 429]
    assert client_for(None).get("/api/portfolios").status_code == 429
    refused = client.get("/api/nothing-here")
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "throttled"
    assert 1 <= int(refused["Retry-After"]) <= 60


def _answers(trader: User, viewer: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch) -> list[HttpResponse]:
    missing = "/api/orders/00000000-0000-0000-0000-000000000007"
    monkeypatch.setattr("apps.strategies.api.views.strategies.registry.all_strategies", lambda: 1 / 0)
    return [
        client_for(trader).get("/api/portfolios"),
        client_for(trader).post("/api/auth/refresh", {"unknown": 1}, format="json"),
        client_for(None).get("/api/portfolios"),
        client_for(viewer).post("/api/strategies", {}, format="json"),
        client_for(trader).get(missing),
        client_for(trader).get("/api/nothing-here"),
        client_for(trader).delete("/api/portfolios"),
        client_for(trader).options("/api/portfolios"),
        client_for(trader).get("/api/orders", HTTP_ACCEPT="image/png"),
        client_for(viewer).get("/api/strategies/rules"),
        client_for(viewer).head("/api/auth/me"),
        client_for(None).get("/api/portfolios"),
    ]


def test_every_answer_tells_its_limits(
    trader: User, viewer: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = _answers(trader, viewer, client_for, monkeypatch)
    assert [a.status_code for a in answers] == [200, 400, 401, 403, 404, 404, 405, 405, 406, 500, 200, 429]
    for answer in answers:
        assert set(HEADERS) <= set(answer.headers), answer.status_code
        assert int(answer["X-RateLimit-Remaining"]) < int(answer["X-RateLimit-Limit"])


def test_health_and_metrics_are_not_counted(client_for: ClientFor) -> None:
    client = client_for(None)
    for path in ("/api/health/live", "/metrics"):
        responses = [client.get(path) for _ in range(12)]
        assert {response.status_code for response in responses} == {200}
        assert not set(HEADERS) & set(responses[-1].headers)
    assert client.post("/api/health/live").status_code == 405
    assert client.get("/api/portfolios")["X-RateLimit-Remaining"] == "4"


def test_pages_of_the_console_are_not_the_apis(client_for: ClientFor) -> None:
    assert not set(HEADERS) & set(client_for(None).get("/admin/login/").headers)


def test_switched_off_nothing_is_counted_or_told(trader: User, client_for: ClientFor, settings: LazySettings) -> None:
    settings.RATELIMIT_ENABLE = False
    responses = [client_for(trader).get("/api/orders") for _ in range(5)]
    assert {response.status_code for response in responses} == {200}
    assert not set(HEADERS) & set(responses[-1].headers)


def test_the_library_reads_the_same_counts(trader: User, client_for: ClientFor) -> None:
    """Whatever else of the platform uses django-ratelimit sees the calls of the API."""
    for _ in range(2):
        client_for(trader).get("/api/portfolios")
    for rate, limit in (("5/m", 5), ("3/s", 3)):
        usage = get_usage(
            RequestFactory().get("/"), group="general", key=lambda group, request: f"user:{trader.pk}", rate=rate
        )
        assert (usage["count"], usage["limit"], usage["should_limit"]) == (2, limit, False)


def test_a_call_costs_one_round_trip(trader: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = APIClient()
    client.force_authenticate(trader, token=SimpleNamespace(pk=1, requests_per_minute=9))
    client.get("/api/auth/me")  # Redis learns the script
    sent: list[object] = []
    send = AbstractConnection.send_packed_command

    def note(self: AbstractConnection, command: Any, *args: Any, **kwargs: Any) -> Any:
        sent.append(command)
        return send(self, command, *args, **kwargs)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", note)
    response = client.get("/api/auth/me")
    assert response["RateLimit"].count(";r=") == 3, "minute, burst and key"
    assert len(sent) == 1


def test_refusals_are_told_to_prometheus(trader: User, client_for: ClientFor) -> None:
    labels = {"scope": "orders", "tier": "free"}
    before = REGISTRY.get_sample_value("rate_limited_requests_total", labels) or 0
    assert _statuses(client_for(trader), "/api/orders", 4) == [200, 200, 429, 429]
    assert REGISTRY.get_sample_value("rate_limited_requests_total", labels) == before + 2
