"""The loopback exchange that market data's tests ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django_redis import get_redis_connection

from tests.exchange.formats import FORMATS
from tests.exchange.server import LoopbackExchange, running


@pytest.fixture
def venue(settings: LazySettings) -> Iterator[LoopbackExchange]:
    """Let every exchange be the one on loopback, asked as fast as it answers."""
    get_redis_connection("default").flushdb()
    with running() as server:
        settings.EXCHANGE_ENDPOINTS = server.endpoints
        settings.EXCHANGE_RATE_LIMITS = dict.fromkeys(FORMATS, 1)
        settings.EXCHANGE_TIMEOUT_SECONDS = 1.0
        yield server
