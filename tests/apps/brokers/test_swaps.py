"""Orders on perpetual swaps at the exchange on loopback: placed, found, canceled, and never more than they may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from algotrendy.trading.errors import BrokerRejected
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import OrderType, Side
from apps.accounts.models import User
from apps.brokers.adapters.exchange import CcxtGateway
from apps.brokers.models import MarketType
from tests.exchange.trading import TradingVenue

from .conftest import KEY, ask, exchange_connection

pytestmark = pytest.mark.django_db
ID, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def swaps(trader: User, venue: TradingVenue) -> CcxtGateway:
    venue.book.accounts[KEY].rights.enableFutures = True
    return CcxtGateway(exchange_connection(trader, market_type=MarketType.SWAP))


def held(swaps: CcxtGateway) -> Decimal:
    position = swaps.fetch_positions(["BTC/USDT"]).get("BTC/USDT")
    return Decimal(0) if position is None else position.quantity


def test_a_resting_order_is_found_by_its_id_and_in_the_list_until_it_is_canceled(swaps: CcxtGateway) -> None:
    placed = swaps.submit_order(ask(ID))
    found = swaps.fetch_order(ID, "BTC/USDT")
    assert found is not None
    assert (placed.status, found.status, found.exchange_order_id) == ("open", "open", placed.exchange_order_id)
    assert [order.client_order_id for order in swaps.fetch_open_orders("BTC/USDT")] == [ID]
    assert swaps.fetch_order(OTHER, "BTC/USDT") is None

    assert swaps.cancel_order(ID, "BTC/USDT").status is OrderStatus.CANCELED
    assert swaps.fetch_open_orders("BTC/USDT") == []


def test_a_fill_of_a_resting_order_is_listed_and_held(swaps: CcxtGateway, venue: TradingVenue) -> None:
    swaps.submit_order(ask(ID))
    venue.fill(ID, "0.2")
    venue.set_price("BTCUSDT", 90)
    trades = swaps.fetch_trades("BTC/USDT", datetime.now(UTC) - timedelta(minutes=1))
    assert [(trade.quantity, trade.price) for trade in trades] == [(Decimal("0.2"), 90), (Decimal("0.3"), 90)]
    assert held(swaps) == Decimal("0.5")


def test_an_order_that_only_reduces_is_refused_where_nothing_is_held(swaps: CcxtGateway) -> None:
    with pytest.raises(BrokerRejected) as refusal:
        swaps.submit_order(ask(ID, type=OrderType.MARKET, side=Side.SELL, reduce_only=True))
    assert refusal.value.code == "invalid_order"


def test_an_order_without_margin_is_refused(swaps: CcxtGateway) -> None:
    with pytest.raises(BrokerRejected) as refusal:
        swaps.submit_order(ask(ID, quantity=Decimal(9_000)))
    assert refusal.value.code == "insufficient_funds"


def test_an_order_that_only_reduces_trades_no_more_than_is_held(swaps: CcxtGateway) -> None:
    swaps.submit_order(ask(ID, type=OrderType.MARKET, quantity=Decimal("0.3")))
    sold = swaps.submit_order(ask(OTHER, type=OrderType.MARKET, side=Side.SELL, reduce_only=True))
    assert (sold.filled_quantity, held(swaps)) == (Decimal("0.3"), 0)


def test_a_resting_order_that_only_reduces_ends_with_what_it_was_to_reduce(
    swaps: CcxtGateway, venue: TradingVenue
) -> None:
    swaps.submit_order(ask(ID, type=OrderType.MARKET, quantity=Decimal("0.3")))
    swaps.submit_order(ask(OTHER, side=Side.SELL, limit_price=Decimal(110), quantity=Decimal("0.3"), reduce_only=True))
    swaps.submit_order(ask("c" * 32, type=OrderType.MARKET, side=Side.SELL, quantity=Decimal("0.2")))
    venue.set_price("BTCUSDT", 110)
    ended = swaps.fetch_order(OTHER, "BTC/USDT")
    assert ended is not None
    assert (ended.status, ended.filled_quantity, held(swaps)) == (OrderStatus.EXPIRED, Decimal("0.1"), 0)
