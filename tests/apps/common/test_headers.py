"""What browsers are told with each answer, and which other sites' pages may call the API."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings

from apps.accounts.models import User
from apps.accounts.services import session_begin

FRIEND = "https://app.example"
PREFLIGHT = {
    "HTTP_ORIGIN": FRIEND,
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST",
    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "authorization,idempotency-key,x-api-key",
}
pytestmark = pytest.mark.django_db


def bearer(user: User) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {session_begin(user=user).access}"}


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/login/", "/nowhere", "/api/orders", "/api/nowhere", "/api/docs", "/api/health/live"]
)
def test_every_answer_says_what_a_browser_must_not_do_with_it(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert "no-store" in answer["Cache-Control"]
    policy = answer["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert "'unsafe-inline'" not in next((part for part in policy if part.startswith("script-src ")), "")


def test_the_apis_data_may_load_and_run_nothing(client: Client) -> None:
    parts = client.get("/api/orders")["Content-Security-Policy"].split("; ")
    assert set(parts) == {"default-src 'none'", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'"}


def test_only_redoc_may_start_a_worker_of_its_own_making(client: Client) -> None:
    workers = {
        path: [part for part in client.get(path)["Content-Security-Policy"].split("; ") if "worker" in part]
        for path in ("/api/docs", "/api/redoc", "/admin/login/")
    }
    assert workers == {
        "/api/docs": ["worker-src 'self'"],
        "/api/redoc": ["worker-src 'self' blob:"],
        "/admin/login/": ["worker-src 'self'"],
    }


def test_static_files_may_be_kept_and_are_not_open_to_other_sites(client: Client) -> None:
    answer = client.get("/static/algotrendy/js/theme.js")
    assert "no-store" not in answer["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in answer
    answer.close()


@override_settings(CORS_ALLOWED_ORIGINS=[FRIEND])
def test_an_allowed_site_may_ask_and_read_with_a_token(client: Client, trader: User) -> None:
    asked = client.options("/api/orders", **PREFLIGHT)
    assert asked.status_code == 200
    assert asked["Access-Control-Allow-Origin"] == FRIEND
    assert {"authorization", "idempotency-key", "x-api-key"} <= set(asked["Access-Control-Allow-Headers"].split(", "))
    answer = client.get("/api/orders", HTTP_ORIGIN=FRIEND, **bearer(trader))
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == FRIEND
    assert {"retry-after", "x-request-id"} <= set(answer["Access-Control-Expose-Headers"].split(", "))
    assert "Access-Control-Allow-Credentials" not in answer
    assert "origin" in answer["Vary"].lower()


@override_settings(CORS_ALLOWED_ORIGINS=[FRIEND])
def test_a_refusal_can_be_read_by_an_allowed_site(client: Client) -> None:
    answer = client.get("/api/orders", HTTP_ORIGIN=FRIEND)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (401, FRIEND)
    answer = client.post("/api/orders", b"x" * 2_000_000, content_type="application/json", HTTP_ORIGIN=FRIEND)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (413, FRIEND)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://app.example", "https://app.example.evil.example"]
)
@override_settings(CORS_ALLOWED_ORIGINS=[FRIEND])
def test_no_other_site_reads_an_answer(client: Client, trader: User, origin: str) -> None:
    for answer in (
        client.options("/api/orders", **{**PREFLIGHT, "HTTP_ORIGIN": origin}),
        client.get("/api/orders", HTTP_ORIGIN=origin, **bearer(trader)),
    ):
        assert "Access-Control-Allow-Origin" not in answer


@override_settings(CORS_ALLOWED_ORIGINS=[FRIEND])
def test_the_console_is_for_no_other_site(client: Client) -> None:
    assert "Access-Control-Allow-Origin" not in client.get("/admin/login/", HTTP_ORIGIN=FRIEND)


def test_the_forms_token_is_out_of_the_reach_of_scripts(client: Client) -> None:
    cookie = client.get("/admin/login/").cookies["csrftoken"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
