"""The fixed cast, and clients that sign in as one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.conf import LazySettings
from django.test import TransactionTestCase
from django_redis import get_redis_connection
from pytest_django.plugin import DjangoDbBlocker
from rest_framework.test import APIClient

from apps.accounts.models import Role, User
from apps.accounts.services import session_begin, user_create
from apps.marketdata.models import Instrument
from apps.portfolio.models import Portfolio
from tests import migrated, restoring
from tests.builders import PASSWORD, make_candles_rows, make_instrument, make_portfolio

type ClientFor = Callable[[User | None], APIClient]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Migrate once, not in every run."""
    with django_db_blocker.unblock():
        migrated.use()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let tests that commit leave the database as the migrations left it."""
    with django_db_blocker.unblock():
        migrated.store()
        restoring.keep()
    TransactionTestCase._fixture_teardown = lambda case: restoring.restore()  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _without_rate_limits(settings: LazySettings) -> None:
    """Count no calls where a test is not about that: counts outlive a test, in Redis."""
    settings.RATELIMIT_ENABLE = False


@pytest.fixture(autouse=True)
def _without_cached_rows(request: pytest.FixtureRequest) -> None:
    """Drop what the cache knows of rows that an earlier test, or an earlier run, has rolled back."""
    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        client = get_redis_connection("default")
        for pattern in ("algotrendy:market:*", "algotrendy:forming:*", "*:access:*"):
            for key in client.scan_iter(pattern):
                client.delete(key)


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
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {session_begin(user=user).access}")
        return client

    return make


@dataclass(frozen=True)
class Desk:
    """What a trader has: a paper portfolio of 10,000 USD, and an instrument that last traded at 100."""

    owner: User
    portfolio: Portfolio
    instrument: Instrument


def desk_of(owner: User) -> Desk:
    instrument = make_instrument()
    if not instrument.candles.exists():
        make_candles_rows(instrument, [100])
    return Desk(owner, make_portfolio(owner), instrument)


@pytest.fixture
def desk(trader: User) -> Desk:
    return desk_of(trader)


@pytest.fixture
def other_desk(other_trader: User) -> Desk:
    return desk_of(other_trader)
