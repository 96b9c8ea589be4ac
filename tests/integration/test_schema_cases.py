"""The API answers what its OpenAPI schema says, to each role and whatever it is sent.

schemathesis makes cases from the schema, fitting ones and unfitting ones; the same ones in each run. Each is sent as
everybody in turn and rolled back. No answer may be a server's error, have an undocumented status, type or header, or a
body that the schema does not describe. Whether a wrong input is refused is left to the tests of each route: the schema
cannot say all that they know (a limit order needs a limit price).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import schemathesis
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.openapi import from_dict
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from apps.accounts.models import ApiKey, ApiSession, User
from apps.accounts.services import api_key_create, session_begin
from apps.portfolio.api.serializers import PortfolioSerializer
from tests.apps.dashboard.conftest import book_of
from tests.builders import (
    make_alert,
    make_candles_rows,
    make_completed_backtest,
    make_feed,
    make_halt,
    make_history,
    make_optimization,
    make_webhook,
)

pytestmark = pytest.mark.timeout(240)
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
FEW = {"anonymous": 2, "viewer": 2, "trader": 4, "admin": 2, "key": 2}
MANY = 12
"""Cases of each kind for each operation and role: in every run, and in the long one."""
SKIPPED = {"/api/schema", "/api/docs", "/api/redoc"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True)))
    return made


def operations(document: dict[str, Any]) -> Iterator[Any]:
    for result in from_dict(document).get_all_operations():
        operation = result.ok()
        if operation.path not in SKIPPED:
            yield operation


type Send = Callable[[Case], tuple[Case, Response]]


@pytest.fixture
def send_as(admin: User, trader: User, viewer: User) -> Callable[[str], Send]:
    book = book_of(trader)
    make_candles_rows(book.order.instrument, [100 + number % 7 for number in range(60)])
    make_feed(book.order.instrument)
    backtest = make_completed_backtest(trader, instruments=[book.order.instrument])
    _, text = api_key_create(user=trader, name="cases", scopes=["read", "trade"])
    people = {"viewer": viewer, "trader": trader, "admin": admin}
    tokens = {name: session_begin(user=user).access for name, user in people.items()}
    history = make_history(book.order.instrument)
    make_webhook(book.strategy)
    ids = {
        "alert_id": make_alert(trader).pk, "signal_id": book.signal.pk,
        "gap_id": history["marketdata_gap"].pk, "download_id": history["marketdata_download"].pk,
        "portfolio_id": book.portfolio.pk, "strategy_id": book.strategy.pk, "order_id": book.order.pk,
        "client_order_id": book.order.client_order_id,
        "backtest_id": backtest.pk, "optimization_id": make_optimization(trader).pk,
        "position_id": book.position.pk, "connection_id": book.portfolio.connection.pk,
        "halt_id": make_halt(book.portfolio).pk,
        "user_id": trader.pk, "symbol": "BTC/USD",
        "timeframe": "1h", "number": 1,
        "key_id": ApiKey.objects.get().pk, "session_id": ApiSession.objects.filter(user=trader).first().pk,  # type: ignore[union-attr]
    }  # fmt: skip

    def make(actor: str) -> Send:
        client = APIClient(raise_request_exception=False)
        if actor == "key":
            client.credentials(HTTP_X_API_KEY=text)
        elif actor in tokens:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens[actor]}")

        def send(case: Case) -> tuple[Case, Response]:
            return case, sent(client, case, ids)

        return send

    return make


def sent(client: APIClient, case: Case, ids: dict[str, Any]) -> Response:
    """Send the case, to rows that exist, and take back what it has done."""
    for name in case.path_parameters:
        case.path_parameters[name] = str(ids[name])
    query = {name: value for name, value in (case.query or {}).items() if value is not None}
    if "timeframe" in query:
        query["timeframe"] = ids["timeframe"]
    body = b"" if not isinstance(case.body, dict | list | str | int | float | bool | None) else _json(case.body)
    path = case.formatted_path.replace("%2F", "/")
    with transaction.atomic():
        answer = client.generic(
            case.method, path, body, content_type=case.media_type or "application/json", QUERY_STRING=_query(query)
        )
        transaction.set_rollback(True)
    prepared = requests.Request(case.method, f"http://testserver{path}").prepare()
    headers = {name.lower(): [value] for name, value in answer.headers.items()}
    return Response(answer.status_code, headers, answer.getvalue(), prepared, 0.0, verify=False)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _query(query: dict[str, Any]) -> str:
    texts = {name: value if isinstance(value, list) else str(value) for name, value in query.items()}
    return urlencode(texts, doseq=True, errors="replace")


type Drawn = list[tuple[str, list[Case]]]


@pytest.fixture(scope="module")
def drawn(document: dict[str, Any]) -> Callable[[int], Drawn]:
    """Return a function that makes so many cases of each kind for each operation; once for all roles."""

    @cache
    def draw(count: int) -> Drawn:
        return [
            (f"{operation.method.upper()} {operation.path}", _drawn(operation, mode, count))
            for operation in operations(document)
            for mode in GenerationMode
        ]

    return draw


def faults_of(drawn: Drawn, send: Send, cases: int) -> dict[str, str]:
    """Return what was wrong with which operation."""
    faults: dict[str, str] = {}
    for name, case in ((name, case) for name, made in drawn for case in made[:cases]):
        sent_case, response = send(case)
        try:
            sent_case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            told = " | ".join(f"{failure.title}: {failure.message[:300]}" for failure in group.exceptions)
            given = f"{case.query} {str(case.body)[:200]!r}"
            faults.setdefault(name, f"{response.status_code} {told} {given} {response.content[:200]!r}")
    return faults


def _drawn(operation: Any, mode: GenerationMode, count: int) -> list[Case]:
    quiet = hypothesis_settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    found: list[Case] = []

    @seed(20_261_123)
    @quiet
    @given(case=operation.as_strategy(generation_mode=mode))
    def draw(case: Case) -> None:
        found.append(case)

    try:
        draw()
    except Exception as error:  # what cannot be made of the schema at all is not a fault of the API
        if type(error).__name__ not in ("Unsatisfiable", "SkipTest", "Skipped"):
            raise
    return found


@pytest.mark.parametrize("actor", FEW)
def test_every_answer_is_one_that_the_schema_describes(
    actor: str, drawn: Callable[[int], Drawn], send_as: Callable[[str], Send]
) -> None:
    assert faults_of(drawn(max(FEW.values())), send_as(actor), FEW[actor]) == {}


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("actor", FEW)
def test_every_answer_to_many_cases_is_one_that_the_schema_describes(
    actor: str, drawn: Callable[[int], Drawn], send_as: Callable[[str], Send]
) -> None:
    assert faults_of(drawn(MANY), send_as(actor), MANY) == {}


def test_a_view_that_breaks_its_word_is_found(
    drawn: Callable[[int], Drawn], send_as: Callable[[str], Send], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PortfolioSerializer, "to_representation", lambda self, row: {"id": 7})
    faults = faults_of(drawn(max(FEW.values())), send_as("trader"), 1)
    assert "GET /api/portfolios" in faults
    assert "schema" in faults["GET /api/portfolios"].lower()
    assert schemathesis.__version__
