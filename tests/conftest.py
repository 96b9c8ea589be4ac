"""The fixed cast, and clients that sign in as one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from apps.accounts.models import Role, User
from apps.accounts.services import user_create
from apps.brokers.models import BrokerConnection
from apps.marketdata.models import AssetType, Candle, Instrument
from apps.portfolio.models import Portfolio
from apps.portfolio.services import portfolio_create

PASSWORD = "a-long-enough-passphrase"
MARKET_TIME = datetime(2024, 3, 1, 12, tzinfo=UTC)
type ClientFor = Callable[[User | None], APIClient]


@pytest.fixture(autouse=True)
def _without_rate_limits(settings: LazySettings) -> Iterator[None]:
    """Count no calls where a test is not about that: counts outlive a test, in Redis."""
    settings.RATELIMIT_ENABLE = False
    return


@pytest.fixture
def admin(db: None) -> User:
    return user_create(username="admin", email="admin@example.com", password=PASSWORD, role=Role.ADMIN)


@pytest.fixture
def trader(db: None) -> User:
    return user_create(username="trader", email="trader@example.com", password=PASSWORD, role=Role.TRADER)


@pytest.fixture
def other_trader(db: None) -> User:
    return user_create(username="other_trader", email="other@example.com", password=PASSWORD, role=Role.TRADER)


@pytest.fixture
def viewer(db: None) -> User:
    return user_create(username="viewer", email="viewer@example.com", password=PASSWORD, role=Role.VIEWER)


@pytest.fixture
def client_for() -> ClientFor:
    """Return a function that gives an API client signed in as the user, or as nobody."""

    def make(user: User | None) -> APIClient:
        client = APIClient(raise_request_exception=False)
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {RefreshToken.for_user(user).access_token}")
        return client

    return make


@dataclass(frozen=True)
class Desk:
    """What a trader has: a paper portfolio of 10,000 USD, and an instrument that last traded at 100."""

    owner: User
    portfolio: Portfolio
    instrument: Instrument


def desk_of(owner: User) -> Desk:
    instrument, is_new = Instrument.objects.get_or_create(
        symbol="BTC/USD",
        defaults={
            "asset_type": AssetType.CRYPTOCURRENCY,
            "base_currency": "BTC",
            "quote_currency": "USD",
            "price_tick": Decimal("0.01"),
            "quantity_step": Decimal("0.0001"),
            "min_quantity": Decimal("0.0001"),
        },
    )
    if is_new:
        Candle.objects.create(
            instrument=instrument, timeframe="1h", source="csv", open_time=MARKET_TIME,
            open=Decimal(99), high=Decimal(101), low=Decimal(98), close=Decimal(100), volume=Decimal(1000),
        )  # fmt: skip
    connection = BrokerConnection.objects.create(owner=owner, name="Paper")
    portfolio = portfolio_create(owner=owner, name="Main", connection=connection)
    return Desk(owner, portfolio, instrument)


@pytest.fixture
def desk(trader: User) -> Desk:
    return desk_of(trader)


@pytest.fixture
def other_desk(other_trader: User) -> Desk:
    return desk_of(other_trader)
