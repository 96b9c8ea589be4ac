"""A stream's server, and clients that listen to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import requests
from django.conf import settings

from apps.accounts.models import User
from tests.integration.streams import WEB, Open, Server, Stream, bearer
from tests.processes import free_port, granian


@pytest.fixture(scope="module")
def server(django_db_setup: None) -> Iterator[Server]:
    """Run one for a module's tests."""
    with _serving() as running:
        yield running


@pytest.fixture
def own_server(django_db_setup: None) -> Iterator[Server]:
    """Run one for a test that ends it, or that measures what it holds."""
    with _serving() as running:
        yield running


@contextlib.contextmanager
def _serving() -> Iterator[Server]:
    port = free_port()
    with granian("asgi", port, WEB_URL=WEB) as process:
        yield Server(port, process, settings.REDIS_URL)


@pytest.fixture
def listen() -> Iterator[Open]:
    """Return a function that opens a stream as a user and waits until it is let in."""
    with contextlib.ExitStack() as stack:

        def start(server: Server, user: User, query: str = "") -> Stream:
            response = requests.get(f"{server.url}{query}", headers=bearer(user), stream=True, timeout=(5, 6))
            stack.callback(response.close)
            assert response.status_code == 200, response.text
            stream = Stream(response)
            stream.next("hello")
            return stream

        yield start
