"""The exchange on loopback, and a trader there."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from tests.apps.brokers.conftest import loopback, venue
from tests.apps.orders.exchange_desk import ExchangeDesk
from tests.exchange.trading import TradingVenue

__all__ = ["loopback", "venue"]


@pytest.fixture
def exchange_desk(trader: User, venue: TradingVenue) -> ExchangeDesk:
    return ExchangeDesk(trader, venue)
