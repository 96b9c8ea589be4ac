"""How often each tier may call, and what administrators make of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import caches
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.api import throttling
from apps.accounts.models import RateLimit, Tier, User
from apps.accounts.services.limits import rate_limit_restore, rate_limit_set
from apps.common.limits.windows import Tally
from tests.conftest import ClientFor
from tests.limits import Clock, clock, limited

__all__ = ["clock", "limited"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("limited")]
PATHS = {"general": "/api/portfolios", "orders": "/api/orders", "market_data": "/api/market-data/instruments"}
TABLE = [  # tier, calls a minute in general, for orders, for market data, and in a second
    ("anonymous", 100, 60, 1200, 10),
    ("free", 100, 60, 1200, 10),
    ("premium", 500, 300, 6000, 50),
    ("enterprise", 2000, 1000, 12000, 100),
]
CELLS = [
    (tier, scope, minute, burst)
    for tier, *minutes, burst in TABLE
    for scope, minute in zip(PATHS, minutes, strict=True)
]


def _key(response: Any, name: str) -> str:
    """Return where Redis keeps the count of the call's window: thousands of calls are written there, not made."""
    tally: Tally = response.wsgi_request.rate_tally
    return next(usage.window.key for usage in tally.usages if usage.window.name == name)


@pytest.mark.parametrize(("tier", "scope", "minute", "burst"), CELLS)
def test_each_tier_has_its_calls_in_each_scope(
    tier: str, scope: str, minute: int, burst: int, trader: User, client_for: ClientFor, clock: Clock
) -> None:
    if tier != "anonymous":
        User.objects.filter(pk=trader.pk).update(tier=tier)
    client = client_for(None if tier == "anonymous" else trader)
    first = client.get(PATHS[scope])
    assert first["RateLimit-Policy"] == f'"minute";q={minute};w=60, "burst";q={burst};w=1'
    assert (first["X-RateLimit-Limit"], first["X-RateLimit-Remaining"]) == (str(minute), str(minute - 1))
    assert first.status_code in (200, 401)
    caches["limits"].set(_key(first, "burst"), burst - 1, timeout=60)
    assert [client.get(PATHS[scope]).status_code for _ in range(2)] == [first.status_code, 429]
    caches["limits"].delete(_key(first, "burst"))
    clock.now = int(first["X-RateLimit-Reset"]) - 1  # the minute's last second, which may be this one
    caches["limits"].set(_key(first, "minute"), minute - 1, timeout=60)
    last, refused = client.get(PATHS[scope]), client.get(PATHS[scope])
    assert (last.status_code, last["X-RateLimit-Remaining"]) == (first.status_code, "0")
    assert (refused.status_code, refused["X-RateLimit-Limit"]) == (429, str(minute))
    clock.forward()
    assert client.get(PATHS[scope])["X-RateLimit-Remaining"] == str(minute - 1)


def _limit_of(client: APIClient, scope: str = "general") -> str:
    return str(client.get(PATHS[scope])["RateLimit-Policy"])


def _set(admin: User, tier: str = "free", scope: str = "general", minute: int = 7, burst: int = 2) -> RateLimit:
    limit = RateLimit(tier=tier, scope=scope, requests_per_minute=minute, burst_per_second=burst)
    return rate_limit_set(limit=limit, actor=admin)


def test_an_administrators_limit_holds_for_its_tier_and_scope_until_it_is_deleted(
    admin: User, trader: User, client_for: ClientFor
) -> None:
    limit = _set(admin)
    client = client_for(trader)
    assert _limit_of(client) == '"minute";q=7;w=60, "burst";q=2;w=1'
    assert [client.get(PATHS["general"]).status_code for _ in range(2)] == [200, 429]
    assert _limit_of(client, "orders") == '"minute";q=60;w=60, "burst";q=10;w=1'
    assert _limit_of(client_for(None)) == '"minute";q=100;w=60, "burst";q=10;w=1'
    rate_limit_restore(limit=limit, actor=admin)
    assert _limit_of(client) == '"minute";q=100;w=60, "burst";q=10;w=1'


def test_paths_that_do_not_exist_go_by_the_strangers_limit(admin: User, client_for: ClientFor) -> None:
    _set(admin, tier="anonymous", minute=4, burst=1)
    assert [client_for(None).get("/api/nothing").status_code for _ in range(2)] == [404, 429]


def test_limits_are_read_from_the_database_every_few_seconds_only(
    admin: User, trader: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling.overrides, "SECONDS", 60.0)
    client = client_for(trader)
    before = _limit_of(client)
    _set(admin)
    assert _limit_of(client) == before
    throttling.overrides.forget()
    assert _limit_of(client) != before


def test_without_the_database_the_last_known_limits_hold(
    admin: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(admin, tier="anonymous", minute=8)
    client = client_for(None)
    assert '"minute";q=8' in client.get("/api/nothing")["RateLimit-Policy"]

    def fail() -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(throttling, "rate_limit_overrides", fail)
    assert '"minute";q=8' in client.get("/api/nothing")["RateLimit-Policy"]


@pytest.mark.parametrize(("minute", "burst"), [(0, 1), (5, 0), (5, 6), (-1, -1)])
def test_the_database_takes_no_senseless_limit(minute: int, burst: int) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        RateLimit.objects.create(tier="free", scope="orders", requests_per_minute=minute, burst_per_second=burst)
    assert connection.is_usable()


PAGE = "/admin/accounts/ratelimit/"
GIVEN = {"tier": "premium", "scope": "orders", "requests_per_minute": 90, "burst_per_second": 9}


@pytest.fixture
def console(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def test_administrators_set_change_and_restore_limits_in_the_console(
    console: Client, admin: User, trader: User, client_for: ClientFor
) -> None:
    User.objects.filter(pk=trader.pk).update(tier=Tier.PREMIUM)
    assert "Premium, orders: 300 a minute, 50 a second" in console.get(f"{PAGE}add/").content.decode()
    assert console.post(f"{PAGE}add/", GIVEN).status_code == 302
    limit = RateLimit.objects.get()
    assert limit.changed_by == admin
    page = console.get(f"{PAGE}{limit.pk}/change/").content.decode()
    assert "300 a minute, 50 a second" in page, "the default stands beside it"
    assert "300 a minute, 50 a second" in console.get(PAGE).content.decode()
    change = {"requests_per_minute": 91, "burst_per_second": 9, "tier": "free"}
    assert console.post(f"{PAGE}{limit.pk}/change/", change).status_code == 302
    limit.refresh_from_db()
    assert (limit.tier, limit.requests_per_minute) == ("premium", 91)
    assert '"minute";q=91' in _limit_of(client_for(trader), "orders")
    assert console.post(f"{PAGE}{limit.pk}/delete/", {"post": "yes"}).status_code == 302
    assert '"minute";q=300' in _limit_of(client_for(trader), "orders")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"requests_per_minute": 0}, "greater than or equal to 1"),
        ({"burst_per_second": -3}, "greater than or equal to 0"),
        ({"burst_per_second": 91}, "burst cannot exceed"),
        ({"requests_per_minute": 10_000_000}, "less than or equal to 1000000"),
        ({"tier": "golden"}, "not one of the available choices"),
        ({"scope": "login"}, "not one of the available choices"),
        ({"requests_per_minute": ""}, "required"),
    ],
)
def test_a_senseless_limit_is_refused_with_a_reason(wrong: dict[str, object], told: str, console: Client) -> None:
    response = console.post(f"{PAGE}add/", {**GIVEN, **wrong})
    assert response.status_code == 200
    assert told in response.content.decode()
    assert not RateLimit.objects.exists()


def test_a_second_limit_for_the_same_is_refused(console: Client) -> None:
    assert [console.post(f"{PAGE}add/", GIVEN).status_code for _ in range(2)] == [302, 200]
    assert RateLimit.objects.count() == 1


@pytest.mark.parametrize("path", ["", "add/"])
def test_only_administrators_see_limits(path: str, trader: User, viewer: User) -> None:
    for user in (trader, viewer):
        client = Client()
        client.force_login(user)
        assert client.get(f"{PAGE}{path}").status_code == 403
