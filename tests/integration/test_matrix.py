"""Every route and method of the API and the console as everybody: what is declared in `matrix`, and nothing else.

What is denied has written nothing: PostgreSQL itself counts the rows that a transaction adds, changes or deletes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from apps.accounts.models import Action, ApiKey, ApiSession, RateLimit, User
from apps.accounts.services import api_key_create, api_key_revoke, audit, session_begin
from apps.portfolio.models import PlatformLimits, RiskProfile, TradingHalt
from apps.strategies.models import Backtest, Optimization, StrategyWebhook
from tests.apps.dashboard.conftest import Book, book_of
from tests.builders import (
    make_alert,
    make_candles_rows,
    make_completed_backtest,
    make_feed,
    make_halt,
    make_history,
    make_lag,
    make_optimization,
    make_reconciliation,
    make_webhook,
)
from tests.integration import matrix
from tests.integration.matrix import ADMIN, ANONYMOUS, EXPIRED_TOKEN, OTHER, PEOPLE, REVOKED_KEY, TRADER, VIEWER
from tests.routes import api_routes

WRITTEN_ANYWAY = ("accounts_auditevent", "accounts_apikey", "axes_accessattempt", "django_session", "accounts_user")
"""What signing in itself writes: a key's last use, a session, what is recorded, a wrong password."""
COUNT = """
    SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables WHERE NOT relname = ANY(%s)
"""


def rows_written() -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [list(WRITTEN_ANYWAY)])
        return int(cursor.fetchone()[0])


@dataclass
class Cast:
    """Everybody, and the trader's rows by the name of their place in an address."""

    people: dict[str, User]
    book: Book
    keys: dict[str, str]
    tokens: dict[str, str]
    ids: dict[str, Any]


@pytest.fixture
def cast(admin: User, trader: User, other_trader: User, viewer: User) -> Cast:
    people = {ADMIN: admin, TRADER: trader, OTHER: other_trader, VIEWER: viewer}
    book = book_of(trader)
    make_candles_rows(book.order.instrument, [100, 101, 102, 103])
    backtest = make_completed_backtest(trader, instruments=[book.order.instrument])
    keys = {}
    for name, scopes in (("read_key", ["read"]), ("trade_key", ["trade"]), (REVOKED_KEY, ["read", "trade"])):
        _, keys[name] = api_key_create(user=trader, name=name, scopes=scopes)
    api_key_revoke(key=ApiKey.objects.get(name=REVOKED_KEY))
    tokens = {name: session_begin(user=user).access for name, user in people.items()}
    expired = AccessToken(tokens[TRADER])  # type: ignore[arg-type]
    expired.set_exp(lifetime=-timedelta(seconds=1))
    history = make_history(book.order.instrument)
    make_webhook(book.strategy)
    ids = {
        "alert_id": make_alert(trader).pk, "signal_id": book.signal.pk,
        "gap_id": history["marketdata_gap"].pk, "download_id": history["marketdata_download"].pk,
        "connection_id": book.portfolio.connection.pk,
        "portfolio_id": book.portfolio.pk, "strategy_id": book.strategy.pk, "order_id": book.order.pk,
        "client_order_id": book.order.client_order_id,
        "backtest_id": backtest.pk, "optimization_id": make_optimization(trader).pk,
        "halt_id": make_halt(book.portfolio).pk,
        "position_id": book.position.pk, "user_id": trader.pk, "symbol": "BTC/USD",
        "key_id": ApiKey.objects.get(name="read_key").pk, "session_id": ApiSession.objects.get(user=trader).pk,
    }  # fmt: skip
    return Cast(people, book, keys, {**tokens, EXPIRED_TOKEN: str(expired)}, ids)


@pytest.fixture
def api_as(cast: Cast) -> Callable[[str], APIClient]:
    def make(actor: str) -> APIClient:
        client = APIClient(raise_request_exception=False)
        if actor in cast.keys:
            client.credentials(HTTP_X_API_KEY=cast.keys[actor])
        elif actor in cast.tokens:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {cast.tokens[actor]}")
        return client

    return make


def sent(send: Callable[[], Any]) -> tuple[Any, int]:
    """Return the answer and how many rows were written for it; nothing of it stays."""
    before = rows_written()
    with transaction.atomic():
        response = send()
        written = rows_written() - before
        transaction.set_rollback(True)
    return response, written


API_ROUTES = {route.filled_for_schema: route for route in api_routes()}


def test_every_route_of_the_api_has_its_expectation() -> None:
    declared = {path: set(methods) for path, methods in matrix.API.items()}
    assert declared == {path: set(route.methods) for path, route in API_ROUTES.items()}


def expected_of_api(path: str, allowed: frozenset[str] | str, actor: str) -> str:
    """Return what an actor meets: `pass`, `401`, `403`, or `404` for a row that is another's."""
    if allowed == matrix.OPEN:
        return "open"
    if actor in (REVOKED_KEY, EXPIRED_TOKEN) or (actor == ANONYMOUS and ANONYMOUS not in allowed):
        return "401"
    if actor not in allowed:
        return "403"
    owned = re.search(r"\{(\w+_id)\}", path)
    strangers = {OTHER, VIEWER} | ({ADMIN} if owned and owned[1] in matrix.OWNERS_ALONE else set())
    return "404" if owned and owned[1] not in matrix.EVERYBODYS and actor in strangers else "pass"


@pytest.mark.parametrize("actor", matrix.API_ACTORS)
def test_the_api_answers_as_declared_and_what_is_denied_writes_nothing(
    actor: str, cast: Cast, api_as: Callable[[str], APIClient]
) -> None:
    client, faults = api_as(actor), []
    for path, methods in matrix.API.items():
        for method, allowed in methods.items():
            expected = expected_of_api(path, allowed, actor)
            send = getattr(client, method)
            place = API_ROUTES[path].filled(**cast.ids)
            response, written = sent(lambda send=send, place=place: send(place, {}, format="json"))
            if fault := fault_of_api(expected, response.status_code, written):
                faults.append(f"{method.upper()} {path}: {fault}")
    assert faults == []


def fault_of_api(expected: str, status: int, written: int) -> str:
    if status >= 500 or status == 405:
        return f"answered {status}"
    if expected == "open":
        return f"answered {status}" if status == 403 and written else ""
    if expected == "pass":
        return f"answered {status}, is allowed" if status in (401, 403, 404) else ""
    if str(status) != expected:
        return f"answered {status} instead of {expected}"
    return f"denied, and wrote {written} rows" if written else ""


@pytest.mark.parametrize("actor", [OTHER, VIEWER, ADMIN])
def test_anothers_row_is_not_told_from_a_missing_one(
    actor: str, cast: Cast, api_as: Callable[[str], APIClient]
) -> None:
    client, compared = api_as(actor), 0
    for path, methods in matrix.API.items():
        for method, allowed in methods.items():
            if expected_of_api(path, allowed, actor) != "404":
                continue
            answers = []
            for place in (API_ROUTES[path].filled(**cast.ids), API_ROUTES[path].filled()):
                response, _ = sent(lambda place=place, method=method: getattr(client, method)(place, {}, format="json"))
                told = {k: v for k, v in response.json().items() if k not in ("instance", "correlation_id")}
                answers.append((response.status_code, told, sorted(set(response.headers) - {"X-Request-ID"})))
            assert answers[0] == answers[1], f"{method} {path}"
            compared += 1
    assert compared >= 4


# The console


def console_routes() -> Iterator[tuple[str, str]]:
    """Yield name and pattern of every route under /admin/ and of the pages beside it."""
    yield from _routes(get_resolver().url_patterns, "")


def _routes(patterns: list[Any], prefix: str) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        place = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, place)
        elif isinstance(pattern, URLPattern) and not place.startswith("api/"):
            yield pattern.name or "", place


KINDS = ("changelist", "add", "change", "delete", "history")


def model_page(name: str) -> tuple[matrix.Model, str] | None:
    model, _, kind = name.rpartition("_")
    return (matrix.CONSOLE_MODELS[model], kind) if kind in KINDS and model in matrix.CONSOLE_MODELS else None


def test_every_page_of_the_console_has_its_expectation() -> None:
    unnamed = [place for name, place in console_routes() if not name]
    assert all(place.endswith(("<path:object_id>/", "(?P<url>.*)$")) for place in unnamed), unnamed
    known = {*matrix.CONSOLE_ACTIONS, *matrix.CONSOLE_PAGES, *matrix.ELSEWHERE}
    forgotten = {name for name, _ in console_routes() if name and name not in known and model_page(name) is None}
    assert forgotten == set()


@pytest.fixture
def rows(cast: Cast) -> dict[str, Any]:
    """Return the id of one row of each model; the trader's where rows have owners."""
    book = cast.book
    feed = make_feed(book.order.instrument)
    limit = RateLimit.objects.create(tier="free", scope="orders", requests_per_minute=10, burst_per_second=5)
    attempt = AccessAttempt.objects.create(
        username="trader", ip_address="203.0.113.9", failures_since_start=5, attempt_time=timezone.now()
    )
    event = audit(Action.SIGNED_IN, user=book.owner)
    history = make_history(book.order.instrument)
    found = {
        "alerts_alert": make_alert(book.owner),
        "accounts_user": book.owner, "accounts_ratelimit": limit, "accounts_auditevent": event,
        "accounts_apikey": ApiKey.objects.get(name="read_key"), "accounts_apisession": ApiSession.objects.first(),
        "auth_group": Group.objects.get(name="Trader"), "axes_accessattempt": attempt,
        "marketdata_instrument": book.order.instrument, "marketdata_candle": book.order.instrument.candles.first(),
        "marketdata_feed": feed, "brokers_brokerconnection": book.portfolio.connection,
        "portfolio_portfolio": book.portfolio,
        "portfolio_riskprofile": RiskProfile.objects.get(portfolio=book.portfolio),
        "portfolio_platformlimits": PlatformLimits.objects.create(),
        "portfolio_tradinghalt": TradingHalt.objects.get(portfolio=book.portfolio),
        "portfolio_equitysnapshot": book.snapshot, "portfolio_position": book.position,
        "strategies_backtest": Backtest.objects.get(), "strategies_optimization": Optimization.objects.get(),
        "strategies_strategy": book.strategy, "strategies_signal": book.signal,
        "strategies_strategywebhook": StrategyWebhook.objects.get(),
        "strategies_strategyversion": book.version, "strategies_strategyperformance": book.performance,
        "orders_order": book.order, "orders_reconciliation": make_reconciliation(book.portfolio.connection),
        "orders_orderevent": book.order.events.first(), "orders_fill": book.fill,
        "orders_laggingaccount": make_lag(feed, book.portfolio.connection),
    }  # fmt: skip
    return {name: getattr(row, "pk", 1) for name, row in {**found, **history}.items()}


OWNED = ("alerts_", "brokers_", "portfolio_", "strategies_", "orders_order", "orders_fill", "orders_orderevent")


def expected_of_page(name: str, method: str, actor: str) -> str:
    if actor == ANONYMOUS:
        return "login"
    is_owned = name.startswith(OWNED) and not name.startswith("portfolio_platformlimits")
    is_strangers = is_owned and actor in (OTHER, VIEWER)
    if name in matrix.CONSOLE_PAGES:
        return "pass" if actor in matrix.CONSOLE_PAGES[name] else "403"
    if name in matrix.CONSOLE_ACTIONS:
        if actor not in matrix.CONSOLE_ACTIONS[name]:
            return "denied"
        return "missing" if is_strangers and not name.endswith(("_all", "_new_order")) else "pass"
    found = model_page(name)
    assert found
    model, kind = found
    needed = {"changelist": model.see, "history": model.see, "add": model.add, "delete": model.delete}.get(kind)
    if kind == "change":
        needed = model.see if method == "get" else model.change
    if actor not in (needed or ()):
        return "denied"
    return "missing" if is_strangers and kind in ("change", "history", "delete") else "pass"


def fault_of_page(expected: str, response: Any, written: int) -> str:
    status, place = response.status_code, response.headers.get("Location", "")
    if status >= 500:
        return f"answered {status}"
    met = {
        "login": status == 302 and "/admin/login/" in place,
        "403": status == 403,
        # A row that the actor does not see at all is missing for them before they are refused.
        "denied": status == 403 or (status == 302 and place == "/admin/") or status == 404,
        "missing": status == 404 or (status == 302 and place == "/admin/"),
        "pass": status in (200, 302, 400, 404, 405) and "/admin/login/" not in place,
    }[expected]
    if not met:
        return f"answered {status} {place}, expected {expected}"
    return f"denied, and wrote {written} rows" if written and expected != "pass" else ""


@pytest.mark.parametrize("actor", matrix.CONSOLE_ACTORS)
def test_the_console_answers_as_declared_and_what_is_denied_writes_nothing(
    actor: str, cast: Cast, rows: dict[str, Any]
) -> None:
    client = Client(raise_request_exception=False)
    if actor in cast.people:
        client.force_login(cast.people[actor])
    faults, walked = [], 0
    for name in sorted({name for name, _ in console_routes() if name and name not in matrix.ELSEWHERE}):
        place = _address(name, rows)
        for method in ("get", "post"):
            if name in matrix.CONSOLE_PAGES and method == "post":
                continue
            expected = expected_of_page(name, method, actor)
            data = {"_form_submitted": "on", "post": "yes"} if method == "post" else {}
            response, written = sent(lambda place=place, method=method, data=data: getattr(client, method)(place, data))
            walked += 1
            if fault := fault_of_page(expected, response, written):
                faults.append(f"{method.upper()} {name}: {fault}")
    assert faults == []
    assert walked > 250


def _address(name: str, rows: dict[str, Any]) -> str:
    model = next((model for model in sorted(rows, key=len, reverse=True) if name.startswith(model + "_")), "")
    ids = [rows.get(model, 1)] if model else [rows["accounts_user"]]
    for args in ([], ids, ["orders"]):
        for space in ("admin:", ""):
            try:
                return reverse(f"{space}{name}", args=args)
            except NoReverseMatch:
                continue
    raise AssertionError(f"no address for {name}")


def test_neither_tokens_nor_keys_open_the_console(cast: Cast) -> None:
    for headers in (
        {"HTTP_AUTHORIZATION": f"Bearer {cast.tokens[ADMIN]}"},
        {"HTTP_X_API_KEY": cast.keys["trade_key"]},
    ):
        response = Client().get("/admin/orders/order/", **headers)  # type: ignore[arg-type]
        assert (response.status_code, response.headers["Location"][:13]) == (302, "/admin/login/")


def test_a_forged_form_of_the_console_is_refused(cast: Cast, rows: dict[str, Any]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.people[TRADER])
    for place in ("/admin/account/keys/", f"/admin/orders/order/{rows['orders_order']}/cancel_order/", "/api/orders"):
        response, written = sent(lambda place=place: client.post(place, {"do": "create"}))
        assert response.status_code == 403, place
        assert not written


def test_the_walk_would_notice_a_written_row(cast: Cast) -> None:
    _, written = sent(lambda: make_feed(cast.book.order.instrument))
    assert written >= 1
    assert frozenset(cast.people) == PEOPLE
