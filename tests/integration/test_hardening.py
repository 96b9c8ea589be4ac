"""Headers, foreign origins, bodies that are too large, engines that are away, settings that must not start."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import LazySettings, settings
from django.core.checks import run_checks
from django.db import OperationalError
from django.test import Client
from django_redis.exceptions import ConnectionInterrupted

from apps.accounts.models import User
from tests.builders import PASSWORD
from tests.processes import free_port, granian

PROJECT = Path(settings.BASE_DIR)
PRODUCTION = {
    "DATABASE_URL": "postgres://u:p@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "k" * 20 + "".join(chr(97 + number % 26) for number in range(60)), "ENCRYPTION_KEYS": "e" * 40,
    "ALLOWED_HOSTS": "trade.example", "HTTPS": "true", "DJANGO_SETTINGS_MODULE": "algotrendy.settings",
}  # fmt: skip


def check(**changes: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALGOTRENDY")}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    given = {**environment, **PRODUCTION, **changes}
    return subprocess.run(command, cwd=PROJECT, env=given, capture_output=True, text=True, timeout=60, check=False)


def test_the_production_settings_pass_djangos_own_deployment_check() -> None:
    checked = check()
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"ALLOWED_HOSTS": "*"}, "Name the hosts that browsers use"),
        ({"SECRET_KEY": "short"}, "at least 32 random characters"),
        ({"DEBUG": "true", "HTTPS": "true"}, "Unset DEBUG where HTTPS is on"),
        ({"DEBUG": "true", "LIVE_TRADING": "true"}, "Unset DEBUG or LIVE_TRADING"),
        ({"CORS_ALLOWED_ORIGINS": "https://*"}, "Name each origin"),
        ({"RATE_LIMITS": "false", "LIVE_TRADING": "true"}, "without rate limits"),
        ({"REGISTRATION_ROLE": "Admin"}, "must not become an administrator"),
        ({"ENCRYPTION_KEYS": "short"}, "ENCRYPTION_KEYS"),
    ],
)
def test_dangerous_settings_do_not_start(changes: dict[str, str], advice: str) -> None:
    checked = check(**changes)
    assert checked.returncode != 0
    assert advice in checked.stderr


def test_the_settings_that_are_used_here_have_no_errors() -> None:
    assert [found for found in run_checks() if found.level >= 40] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/api/health/live", "/api/orders", "/api/nowhere", "/admin/login/", "/account/register"]
)
def test_every_answer_carries_the_headers(path: str) -> None:
    response = Client().get(path)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert {name: response[name] for name in ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")} == {
        "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
    }  # fmt: skip
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in response["Permissions-Policy"]
    if path != "/nowhere":
        assert "no-store" in response["Cache-Control"] or "max-age=0" in response["Cache-Control"]


@pytest.mark.django_db
def test_behind_tls_browsers_are_told_to_stay_there(settings: LazySettings, trader: User) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    client = Client()
    response = client.get("/admin/login/", secure=True)
    assert response["Strict-Transport-Security"].startswith("max-age=31536000; includeSubDomains")
    client.post("/admin/login/", {"username": trader.username, "password": PASSWORD}, secure=True)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")


class TestForeignOrigins:
    ASKED = {
        "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST",
        "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "authorization,content-type",
    }

    @pytest.fixture(autouse=True)
    def _allowed(self, settings: LazySettings, db: None) -> None:
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]

    def test_one_that_is_allowed_calls_the_api_without_cookies(self) -> None:
        preflight = Client().options("/api/orders", HTTP_ORIGIN="https://app.example", **self.ASKED)
        assert preflight.status_code == 200
        assert preflight["Access-Control-Allow-Origin"] == "https://app.example"
        assert "x-api-key" in preflight["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in preflight
        answer = Client().get("/api/orders", HTTP_ORIGIN="https://app.example")
        assert answer["Access-Control-Allow-Origin"] == "https://app.example"
        assert "x-ratelimit-remaining" in answer["Access-Control-Expose-Headers"]

    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "https://app.example.evil.example", "null", "http://app.example"]
    )
    def test_another_is_told_nothing(self, origin: str) -> None:
        for response in (
            Client().options("/api/orders", HTTP_ORIGIN=origin, **self.ASKED),
            Client().get("/api/orders", HTTP_ORIGIN=origin),
        ):
            assert "Access-Control-Allow-Origin" not in response

    def test_the_console_is_nobodys_but_its_own(self) -> None:
        response = Client().get("/admin/login/", HTTP_ORIGIN="https://app.example")
        assert "Access-Control-Allow-Origin" not in response


@pytest.mark.django_db(transaction=True)
class TestBodies:
    def test_what_is_too_large_is_refused_before_it_is_read(self) -> None:
        port = free_port()
        with granian("wsgi", port):
            base = f"http://127.0.0.1:{port}"
            status, body = _announce(port, "/api/auth/login", 2_000_000)
            assert (status, json.loads(body)["code"]) == (413, "too_large")
            assert _announce(port, "/admin/login/", 2_000_000)[0] == 413
            assert _announce(port, "/api/auth/login", 10**25)[0] in (400, 413)
            fits = requests.post(f"{base}/api/auth/login", json={"username": "x" * 900_000}, timeout=20)
            assert fits.status_code == 400
            chunks = requests.post(f"{base}/api/auth/login", data=(b"x" * 65_536 for _ in range(64)), timeout=20)
            assert chunks.status_code in (400, 411, 413, 415)
            deep = requests.post(
                f"{base}/api/auth/login", data="[" * 400_000, headers={"Content-Type": "application/json"}, timeout=20
            )
            assert (deep.status_code, deep.json()["code"]) == (400, "parse_error")
            packed = requests.post(
                f"{base}/api/auth/login", data=b"\x1f\x8b", timeout=20,
                headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
            )  # fmt: skip
            assert packed.status_code == 400
            assert requests.get(f"{base}/api/health/live", timeout=10).status_code == 200

    def test_a_form_with_too_many_fields_is_refused(self, trader: User) -> None:
        client = Client(raise_request_exception=False)
        client.force_login(trader)
        fields = {f"field{number}": "x" for number in range(2000)}
        assert client.post("/admin/account/", fields).status_code == 400


def _announce(port: int, path: str, length: int) -> tuple[int, str]:
    """Send the head of a request that announces a body, and no body; return the answer."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {length}\r\nConnection: close\r\n\r\n".encode())
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read().decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("seeded_roles")
def test_without_the_database_an_answer_says_to_come_again(trader: User) -> None:
    nowhere = urlsplit(settings.REDIS_URL)._replace(path="/0").geturl()
    port = free_port()
    with granian("wsgi", port, DATABASE_URL="postgres://u:p@127.0.0.1:1/none", REDIS_URL=nowhere):
        api = requests.get(f"http://127.0.0.1:{port}/api/market-data/instruments", timeout=20)
        assert (api.status_code, api.headers["Retry-After"], api.json()["code"]) == (503, "5", "unavailable")
        page = requests.post(f"http://127.0.0.1:{port}/account/forgot-password", timeout=20)
        assert page.status_code == 403  # a form without its token asks no database


@pytest.mark.parametrize("error", [OperationalError("gone"), ConnectionInterrupted(connection=None)])
def test_a_page_whose_engine_is_away_says_so(error: Exception, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr("apps.accounts.pages.sign_in.SignInView.get_context_data", fail)
    response = Client(raise_request_exception=False).get("/admin/login/")
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert b"is away" in response.content
