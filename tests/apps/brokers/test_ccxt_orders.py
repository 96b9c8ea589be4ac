"""Orders at a real exchange's interface: what is sent, what comes back, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from algotrendy.trading.errors import BrokerRejected
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import OrderType, Side, TimeInForce
from apps.brokers.adapters.exchange import CcxtGateway
from apps.brokers.models import BrokerConnection
from tests.exchange.trading import TradingVenue

from .conftest import KEY, ask

pytestmark = pytest.mark.django_db
ID = "a" * 32


def test_a_limit_order_rests_under_the_client_order_id_that_was_given(
    gateway: CcxtGateway, venue: TradingVenue
) -> None:
    placed = gateway.submit_order(ask(quantity=Decimal("0.1234"), limit_price=Decimal("89.99")))

    taken = venue.book.orders[0]
    assert (taken.client_order_id, taken.side, taken.type, taken.time_in_force) == (ID, "BUY", "LIMIT", "GTC")
    assert (taken.quantity, taken.price) == (Decimal("0.1234"), Decimal("89.99"))
    assert placed.status is OrderStatus.OPEN
    assert placed.exchange_order_id == str(taken.order_id)
    assert (placed.quantity, placed.limit_price, placed.filled_quantity) == (Decimal("0.1234"), Decimal("89.99"), 0)


def test_a_market_order_is_answered_as_filled(gateway: CcxtGateway) -> None:
    placed = gateway.submit_order(ask(type=OrderType.MARKET))
    assert (placed.status, placed.filled_quantity, placed.average_price) == (
        OrderStatus.FILLED,
        Decimal("0.5"),
        Decimal(100),
    )


def test_a_market_order_that_found_too_little_has_expired_with_what_it_got(
    gateway: CcxtGateway, venue: TradingVenue
) -> None:
    venue.book.depth["BTCUSDT"] = Decimal("0.2")
    placed = gateway.submit_order(ask(type=OrderType.MARKET))
    assert (placed.status, placed.filled_quantity) == (OrderStatus.EXPIRED, Decimal("0.2"))


@pytest.mark.parametrize(
    ("wishes", "word", "field"),
    [
        ({"type": OrderType.STOP, "side": Side.SELL, "stop_price": Decimal(95)}, "STOP_LOSS", "stopPrice"),
        (
            {"type": OrderType.STOP_LIMIT, "side": Side.SELL, "stop_price": Decimal(95), "limit_price": Decimal(94)},
            "STOP_LOSS_LIMIT",
            "stopPrice",
        ),
        ({"type": OrderType.TAKE_PROFIT, "side": Side.SELL, "stop_price": Decimal(120)}, "TAKE_PROFIT", "stopPrice"),
        ({"post_only": True}, "LIMIT_MAKER", "price"),
    ],
)
def test_each_type_is_sent_in_the_exchanges_own_word_and_read_back(
    gateway: CcxtGateway, venue: TradingVenue, wishes: dict[str, Any], word: str, field: str
) -> None:
    request = ask(**wishes)
    gateway.submit_order(request)

    assert venue.book.orders[0].type == word
    assert field in venue.asked[-1][1]
    [found] = gateway.fetch_open_orders("BTC/USDT")
    assert (found.client_order_id, found.type, found.stop_price) == (ID, request.type, request.stop_price)
    assert found.limit_price == request.limit_price


def test_a_stop_trades_once_the_price_reaches_it(gateway: CcxtGateway, venue: TradingVenue) -> None:
    gateway.submit_order(ask(type=OrderType.STOP, side=Side.SELL, stop_price=Decimal(95)))
    venue.set_price("BTCUSDT", "95.01")
    before = gateway.fetch_order(ID, "BTC/USDT")
    venue.set_price("BTCUSDT", "94.50")
    after = gateway.fetch_order(ID, "BTC/USDT")

    assert before is not None
    assert before.status is OrderStatus.OPEN
    assert after is not None
    assert (after.status, after.average_price) == (OrderStatus.FILLED, Decimal("94.50"))


def test_an_order_that_is_filled_in_part_says_so(gateway: CcxtGateway, venue: TradingVenue) -> None:
    gateway.submit_order(ask())
    venue.fill(ID, "0.2")
    found = gateway.fetch_order(ID, "BTC/USDT")
    assert found is not None
    assert (found.status, found.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.2"))


@pytest.mark.parametrize("lifetime", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_order_that_must_not_rest_expires(gateway: CcxtGateway, lifetime: TimeInForce) -> None:
    assert gateway.submit_order(ask(time_in_force=lifetime)).status is OrderStatus.EXPIRED


@pytest.mark.parametrize(
    ("wishes", "code"),
    [
        ({"time_in_force": TimeInForce.DAY}, "time_in_force_not_supported"),
        ({"type": OrderType.TRAILING_STOP, "trail_percent": Decimal(1)}, "type_not_supported"),
        ({"quantity": Decimal("0.00015")}, "quantity_off_step"),
        ({"limit_price": Decimal("90.001")}, "limit_price_off_tick"),
        ({"symbol": "XRP/USDT"}, "unknown_symbol"),
        ({"client_order_id": "x" * 60}, "client_order_id_too_long"),
    ],
)
def test_what_cannot_be_sent_as_it_is_is_refused_before_it_is_sent(
    gateway: CcxtGateway, venue: TradingVenue, wishes: dict[str, Any], code: str
) -> None:
    with pytest.raises(BrokerRejected) as refusal:
        gateway.submit_order(ask(**wishes))
    assert refusal.value.code == code
    assert venue.asked == []


def test_a_canceled_order_is_returned_as_it_then_is(gateway: CcxtGateway, venue: TradingVenue) -> None:
    gateway.submit_order(ask())
    venue.fill(ID, "0.1")
    canceled = gateway.cancel_order(ID, "BTC/USDT")
    assert (canceled.client_order_id, canceled.status) == (ID, OrderStatus.CANCELED)
    assert canceled.filled_quantity == Decimal("0.1")
    assert venue.book.accounts[KEY].locked["USDT"] == 0


def test_a_cancel_that_came_too_late_returns_the_filled_order(gateway: CcxtGateway, venue: TradingVenue) -> None:
    gateway.submit_order(ask())
    venue.set_price("BTCUSDT", 89)
    assert gateway.cancel_order(ID, "BTC/USDT").status is OrderStatus.FILLED


def test_a_cancel_of_an_order_that_the_exchange_never_had_is_refused(gateway: CcxtGateway) -> None:
    with pytest.raises(BrokerRejected) as refusal:
        gateway.cancel_order("b" * 32, "BTC/USDT")
    assert refusal.value.code == "unknown_order"


def test_an_order_that_the_exchange_has_never_seen_is_none(gateway: CcxtGateway) -> None:
    assert gateway.fetch_order("b" * 32, "BTC/USDT") is None


def test_everybodys_open_orders_are_listed(gateway: CcxtGateway, venue: TradingVenue) -> None:
    gateway.submit_order(ask())
    venue.external(
        KEY, symbol="BTCUSDT", side="SELL", type="LIMIT", quantity="0.3", price="110", timeInForce="GTC",
        newClientOrderId="web_77",
    )  # fmt: skip
    found = gateway.fetch_open_orders("BTC/USDT")
    assert [(order.client_order_id, order.side, order.quantity) for order in found] == [
        (ID, Side.BUY, Decimal("0.5")),
        ("web_77", Side.SELL, Decimal("0.3")),
    ]
    assert gateway.fetch_open_orders("ETH/USDT") == []


def test_an_order_is_not_made_smaller_in_place(gateway: CcxtGateway) -> None:
    with pytest.raises(BrokerRejected) as refusal:
        gateway.reduce_order(ID, "BTC/USDT", Decimal("0.1"))
    assert refusal.value.code == "not_supported"
    assert not gateway.traits.reduces


def test_before_a_test_only_market_and_limit_orders_rest(connection: BrokerConnection) -> None:
    assert CcxtGateway(connection).traits.rests == {OrderType.MARKET, OrderType.LIMIT}
    connection.test_result = {"rests": ["market", "limit", "stop", "no such type"]}
    assert CcxtGateway(connection).traits.rests == {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP}
