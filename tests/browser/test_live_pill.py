"""The live pill tells the truth: lost while something is away, live again by itself, signed out only when it is so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.test import Client
from playwright.sync_api import Browser, Page

from apps.accounts.models import User
from tests.browser.conftest import SIZES
from tests.processes import free_port, granian
from tests.serving import serving

WITHOUT_WORKER = "delete window.SharedWorker"


class _Away(BaseHTTPRequestHandler):
    """A proxy whose server is away."""

    def do_GET(self) -> None:
        self.send_response(502)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _proxy_without_server(port: int) -> Iterator[None]:
    with serving(ThreadingHTTPServer(("127.0.0.1", port), _Away)):
        yield


@pytest.mark.parametrize("before", ["", WITHOUT_WORKER], ids=["shared worker", "event source"])
def test_a_stream_that_is_away_comes_back_and_a_session_that_ended_does_not(
    browser: Browser, user: User, before: str
) -> None:
    web, stream = free_port(), free_port()
    names = {"WEB_URL": f"http://localhost:{web}", "STREAM_URL": f"http://localhost:{stream}"}
    client = Client()
    client.force_login(user)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    context = browser.new_context(viewport=SIZES["desktop"])  # type: ignore[arg-type]
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": names["WEB_URL"]}])
    if before:
        context.add_init_script(before)
    page = context.new_page()
    with granian("wsgi", web, **names), contextlib.closing(context):
        with _proxy_without_server(stream):
            page.goto(f"{names['WEB_URL']}/admin/")
            _wait_for(page, "lost")
        with granian("asgi", stream, **names):
            _wait_for(page, "live")
        _wait_for(page, "lost")
        Session.objects.get(pk=key).delete()
        caches["default"].delete(f"django.contrib.sessions.cached_db{key}")
        with granian("asgi", stream, **names):
            _wait_for(page, "out")


def _wait_for(page: Page, state: str) -> None:
    page.wait_for_selector(f"#live-pill[data-state={state}]", state="attached", timeout=15_000)
