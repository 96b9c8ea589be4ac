"""Every failed request answers with one kind of document, which says what to do and gives nothing away."""

from __future__ import annotations

from typing import Never

import pytest

from apps.accounts.models import User
from apps.portfolio.api import views
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db
MEMBERS = {"type", "title", "status", "code", "detail", "instance", "correlation_id"}


def test_an_unknown_address_of_the_api_is_a_problem(client_for: ClientFor) -> None:
    response = client_for(None).get("/api/nothing")
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == MEMBERS
    assert (problem["status"], problem["code"], problem["instance"]) == (404, "not_found", "/api/nothing")


def test_an_unknown_address_elsewhere_is_a_page(client_for: ClientFor) -> None:
    response = client_for(None).get("/nothing")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


def test_a_problem_names_the_correlation_id_that_the_client_gave_or_is_given(client_for: ClientFor) -> None:
    given = client_for(None).get("/api/orders", headers={"X-Request-ID": "my-own-request-id"})
    assert given.json()["correlation_id"] == "my-own-request-id"
    made = [client_for(None).get("/api/orders") for _ in range(2)]
    assert [answer.json()["correlation_id"] for answer in made] == [answer["X-Request-ID"] for answer in made]
    assert made[0]["X-Request-ID"] != made[1]["X-Request-ID"]


def test_an_unexpected_error_tells_nothing_but_its_correlation_id(
    trader: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(user: User) -> Never:
        raise RuntimeError("the secret of table accounts_user")

    monkeypatch.setattr(views, "portfolios_of", fail)
    response = client_for(trader).get("/api/portfolios")
    assert response.status_code == 500
    assert response["Content-Type"] == "application/problem+json"
    assert set(response.json()) == MEMBERS
    assert response.json()["code"] == "internal_error"
    assert response.json()["correlation_id"]
    assert b"secret" not in response.content


@pytest.mark.parametrize("method", ["put", "options", "delete"])
def test_a_method_that_is_not_there_answers_405(method: str, trader: User, client_for: ClientFor) -> None:
    response = getattr(client_for(trader), method)("/api/portfolios")
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"username": NaN}',
        b'{"username": ' + b"9" * 5000 + b"}",
        b'{"username": "\\ud800"}',
        b'{"\\uDFFF": 1}',
        b'{"username": ["\\ud83d\\ud83d\\ude00"]}',
    ],
    ids=[
        "cut off",
        "not utf-8",
        "too deep",
        "NaN",
        "too long a number",
        "half a character",
        "half a name",
        "half in a list",
    ],
)
def test_a_body_that_cannot_be_read_is_one_clear_400(body: bytes, client_for: ClientFor) -> None:
    response = client_for(None).post("/api/auth/login", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["code"] == "parse_error"
    assert len(response.content) < 600


def test_a_character_in_two_escapes_is_one(client_for: ClientFor) -> None:
    body = b'{"username": "\\ud83d\\ude00", "password": "\\\\ud800", "\\ud83d\\ude00": 1}'
    response = client_for(None).post("/api/auth/login", body, content_type="application/json")
    assert [error["field"] for error in response.json()["errors"]] == ["\N{GRINNING FACE}"]


@pytest.mark.parametrize("wanted", ["text/csv", "application/xml"])
def test_only_json_is_given(wanted: str, client_for: ClientFor) -> None:
    response = client_for(None).get("/api/market-data/instruments", HTTP_ACCEPT=wanted)
    assert (response.status_code, response.json()["code"]) == (406, "not_acceptable")


def test_a_body_that_is_too_large_is_not_read(client_for: ClientFor) -> None:
    body = b'{"username": "' + b"x" * 1_100_000 + b'"}'
    response = client_for(None).post("/api/auth/login", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_form_is_not_taken_for_json(client_for: ClientFor) -> None:
    response = client_for(None).post("/api/auth/login", "a=b", content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("body", ["[]", '"text"', "7", "null"])
def test_a_body_that_is_no_object_is_refused(body: str, client_for: ClientFor) -> None:
    response = client_for(None).post("/api/auth/login", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "invalid")


def test_each_wrong_field_is_named_with_its_own_code(client_for: ClientFor) -> None:
    response = client_for(None).post("/api/auth/login", {"username": "", "colour": "red"}, format="json")
    assert response.status_code == 400
    found = {(error["field"], error["code"]) for error in response.json()["errors"]}
    assert found == {("username", "blank"), ("password", "required"), ("colour", "unknown_field")}
