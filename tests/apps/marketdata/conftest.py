"""The loopback exchange that market data's tests ask."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.conf import LazySettings
from django_redis import get_redis_connection

from apps.marketdata.models import (
    Instrument,
)
from apps.marketdata.services.sessions import sessions_refresh
from tests.builders import make_instrument
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


@pytest.fixture
def bitcoin() -> Instrument:
    return make_instrument("BTC/USDT")


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Keep what would be handed to workers."""
    sent: list[tuple[object, ...]] = []
    for module in ("downloads", "downloading", "collecting"):
        monkeypatch.setattr(
            f"apps.marketdata.services.{module}.enqueue", lambda task, *args, **_: sent.append((task, *args))
        )
    return sent


@pytest.fixture
def apple() -> Instrument:
    instrument = make_instrument("AAPL", calendar="XNYS", asset_type="stock")
    sessions_refresh(calendar="XNYS", now=datetime(2024, 4, 1, tzinfo=UTC))
    return instrument
