"""The schema is whole, and the pages that show it need nothing from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.conftest import ClientFor
from tests.routes import api_routes

HEALTH = {"/api/health/ready", "/api/health/startup"}
UNDOCUMENTED = {"/api/schema", "/api/docs", "/api/redoc"}


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    path: Path = tmp_path_factory.mktemp("schema") / "schema.json"
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", "--file", str(path))
    loaded: dict[str, dict[str, dict[str, dict[str, object]]]] = json.loads(path.read_text())
    return loaded


def test_the_schema_is_valid_and_raises_no_warning_and_names_every_route(
    schema: dict[str, dict[str, object]],
) -> None:
    expected = {route.filled_for_schema for route in api_routes()} - UNDOCUMENTED
    assert set(schema["paths"]) >= expected


def test_each_operation_says_how_it_fails(schema: dict[str, dict[str, dict[str, dict[str, object]]]]) -> None:
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            assert isinstance(answers, dict)
            # Health tells what is wrong in its own form; all else is a problem document.
            problems = [answers[code] for code in answers if code >= "400" and not (path in HEALTH and code == "503")]
            assert problems, f"{method} {path}"
            assert all("application/problem+json" in problem["content"] for problem in problems)


def test_each_operation_names_the_headers_of_its_limits(schema: dict[str, Any]) -> None:
    told = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "RateLimit-Policy", "RateLimit"}
    assert set(schema["components"]["headers"]) == told | {"Retry-After"}
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            assert ("429" in answers) is not path.startswith("/api/health/"), path
            for status, answer in answers.items():
                kept = {"ETag", "Cache-Control"} if status == "200" and "304" in answers else set()
                assert kept <= set(answer.get("headers", ())), path
                named = set(answer.get("headers", ())) - kept
                if "429" not in answers:
                    assert not named
                else:
                    assert named == (told | {"Retry-After"} if status == "429" else told), f"{path} {status}"


def test_placing_an_order_documents_its_own_refusals(
    schema: dict[str, dict[str, dict[str, dict[str, object]]]],
) -> None:
    answers = schema["paths"]["/api/orders"]["post"]["responses"]
    assert {"200", "201", "400", "401", "403", "409", "422", "429"} <= set(answers)  # type: ignore[call-overload]


@pytest.mark.parametrize(("page", "script"), [("docs", "swagger-ui-bundle.js"), ("redoc", "redoc.standalone.js")])
def test_the_pages_load_only_what_the_platform_serves(page: str, script: str, client_for: ClientFor) -> None:
    response = client_for(None).get(f"/api/{page}", HTTP_ACCEPT="text/html")
    text = response.content.decode()
    assert response.status_code == 200
    assert script in text
    assert 'src="http' not in text
    assert 'href="http' not in text


def test_anybody_may_read_the_schema(client_for: ClientFor) -> None:
    response = client_for(None).get("/api/schema")
    assert response.status_code == 200
    assert b"AlgoTrendy API" in response.content
