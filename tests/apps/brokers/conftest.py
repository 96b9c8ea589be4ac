"""An account at the exchange on loopback, and the gateway that trades with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django_redis import get_redis_connection

from algotrendy.trading.broker import OrderRequest
from algotrendy.trading.values import OrderType, Side, TimeInForce
from apps.accounts.models import User
from apps.brokers.adapters.exchange import CcxtGateway
from apps.brokers.credentials import Credentials, sealed
from apps.brokers.models import BrokerConnection, BrokerKind
from tests.builders import make_connection
from tests.exchange.formats import FORMATS
from tests.exchange.server import LoopbackExchange, running
from tests.exchange.trading import TradingVenue

KEY, SECRET = "key-of-the-loopback-account-1234", "a-secret-that-nobody-may-ever-read"


@pytest.fixture
def loopback(settings: LazySettings) -> Iterator[LoopbackExchange]:
    get_redis_connection("default").flushdb()
    with running() as server:
        settings.EXCHANGE_ENDPOINTS = server.endpoints
        settings.EXCHANGE_RATE_LIMITS = dict.fromkeys(FORMATS, 1)
        settings.EXCHANGE_TIMEOUT_SECONDS = 0.5
        yield server
    get_redis_connection("default").flushdb()


@pytest.fixture
def venue(loopback: LoopbackExchange) -> TradingVenue:
    """The exchange's trading side, with an account that holds 10,000 USDT and 10 BTC; BTC/USDT last traded at 100."""
    loopback.trading.open_account(KEY, SECRET, {"USDT": 10_000, "BTC": 10, "BNB": 1})
    return loopback.trading


@pytest.fixture
def connection(trader: User, venue: TradingVenue) -> BrokerConnection:
    return exchange_connection(trader)


def exchange_connection(owner: User, **overrides: Any) -> BrokerConnection:
    """Return a connection to the loopback exchange as Binance's spot market, on its test network."""
    values = {
        "name": "Binance", "kind": BrokerKind.CCXT, "exchange": "binance", "sandbox": True,
        "encrypted_credentials": sealed(Credentials(KEY, SECRET)), "credentials_at": datetime.now(UTC), **overrides,
    }  # fmt: skip
    return make_connection(owner, **values)


@pytest.fixture
def gateway(connection: BrokerConnection) -> CcxtGateway:
    return CcxtGateway(connection)


type Ask = Callable[..., OrderRequest]


def ask(client_order_id: str = "a" * 32, **overrides: Any) -> OrderRequest:
    """Return a request to buy 0.5 BTC/USDT: at 90 where no type is given, which rests."""
    values: dict[str, Any] = {
        "client_order_id": client_order_id, "symbol": "BTC/USDT", "side": Side.BUY, "type": OrderType.LIMIT,
        "quantity": Decimal("0.5"), "time_in_force": TimeInForce.GTC, "active_from": datetime.now(UTC), **overrides,
    }  # fmt: skip
    if values["type"] in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        values.setdefault("limit_price", Decimal(90))
    return OrderRequest(**values)
