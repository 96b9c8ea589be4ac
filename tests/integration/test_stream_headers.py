"""What the event stream's own server tells browsers, and which origins it lets read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from apps.accounts.services import session_begin
from tests.builders import make_user
from tests.processes import free_port, granian

WEB, FRIEND = "http://localhost:8000", "http://app.localhost:9000"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stream(transactional_db: None) -> Iterator[str]:
    port = free_port()
    with granian("asgi", port, WEB_URL=WEB, CORS_ALLOWED_ORIGINS=FRIEND):
        yield f"http://127.0.0.1:{port}/api/stream"


def test_the_stream_and_its_refusals_carry_the_safety_headers(stream: str, transactional_db: None) -> None:
    bearer = {"Authorization": f"Bearer {session_begin(user=make_user()).access}"}
    for headers, status in ((bearer, 200), ({}, 401)):
        with requests.get(stream, headers=headers, stream=True, timeout=5) as answer:
            assert answer.status_code == status
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"].startswith("no-store")


def test_a_friendly_origin_reads_with_a_token_and_never_with_a_cookie(stream: str) -> None:
    friend = requests.options(stream, headers={"Origin": FRIEND}, timeout=5)
    assert friend.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "Access-Control-Allow-Credentials" not in friend.headers
    own = requests.options(stream, headers={"Origin": WEB}, timeout=5)
    assert own.headers["Access-Control-Allow-Credentials"] == "true"
    stranger = requests.options(stream, headers={"Origin": "https://evil.example"}, timeout=5)
    assert stranger.status_code == 403
    assert "Access-Control-Allow-Origin" not in stranger.headers
