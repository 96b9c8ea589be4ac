"""What goes wrong at an exchange: what is definitely refused, and what nobody knows until the exchange is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import ccxt
import pytest
from django.conf import LazySettings
from django_redis import get_redis_connection

from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import OrderType, Side
from apps.accounts.models import User
from apps.brokers.adapters.exchange import CcxtGateway
from apps.brokers.adapters.exchange.errors import sorted_error
from apps.brokers.models import BrokerConnection
from apps.marketdata import limiter
from tests.exchange.trading import TradingVenue

from .conftest import KEY, SECRET, ask, exchange_connection

pytestmark = pytest.mark.django_db
ID = "a" * 32
REFUSED = {
    "insufficient_funds": ({"quantity": Decimal(200)}, None),
    "post_only_would_take": ({"post_only": True, "limit_price": Decimal(101)}, None),
    "stop_price_would_trigger": ({"type": OrderType.STOP, "stop_price": Decimal(99)}, None),
    "invalid_order": ({"quantity": Decimal("0.01")}, None),  # worth 0.90, the least is 5
    "unknown_symbol": ({}, {"code": -1121, "message": "Invalid symbol."}),
    "credentials_refused": ({}, {"code": -2015, "message": "Invalid API-key, IP, or permissions for action."}),
}


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_a_definite_refusal_rejects_with_its_own_code(gateway: CcxtGateway, venue: TradingVenue, code: str) -> None:
    wishes, answer = REFUSED[code]
    if answer is not None:
        venue.control({"faults": [{"request": "place", "kind": "refuse", **answer}]})
    with pytest.raises(BrokerRejected) as refusal:
        gateway.submit_order(ask(**wishes))
    assert refusal.value.code == code
    assert venue.book.orders == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fault", ["timeout", "cut", "status", "garbage"])
def test_a_lost_answer_is_not_known_and_the_order_is_found_only_if_it_was_taken(
    gateway: CcxtGateway, venue: TradingVenue, fault: str, after: bool
) -> None:
    venue.control({"faults": [{"request": "place", "kind": fault, "after": after, "seconds": 1}]})
    with pytest.raises(BrokerUnavailable):
        gateway.submit_order(ask())
    found = gateway.fetch_order(ID, "BTC/USDT")
    assert (found is not None) is after
    assert len(venue.book.orders) == after


@pytest.mark.parametrize(
    ("code", "told"),
    [(-1021, "clock_skew"), (-1007, "exchange_timeout"), (-1001, "broker_unavailable"), (-1003, "exchange_busy")],
)
def test_an_answer_that_says_nothing_for_certain_is_asked_about_first(
    gateway: CcxtGateway, venue: TradingVenue, code: int, told: str
) -> None:
    venue.control({"faults": [{"request": "place", "kind": "refuse", "code": code}]})
    with pytest.raises(BrokerUnavailable) as answer:
        gateway.submit_order(ask())
    assert answer.value.code == told


def test_a_duplicate_is_an_order_that_was_taken_before_and_not_a_refused_one(
    gateway: CcxtGateway, venue: TradingVenue
) -> None:
    gateway.submit_order(ask())
    with pytest.raises(BrokerUnavailable) as answer:
        gateway.submit_order(ask())
    assert answer.value.code == "duplicate_order"
    assert len(venue.book.orders) == 1


@pytest.mark.parametrize("status", [429, 418])
def test_an_exchange_that_has_had_enough_is_left_alone_by_every_process(
    gateway: CcxtGateway, venue: TradingVenue, status: int
) -> None:
    venue.control({"faults": [{"request": "place", "kind": "status", "status": status, "retry_after": 7}]})
    with pytest.raises(BrokerUnavailable) as answer:
        gateway.submit_order(ask())
    assert answer.value.code == "exchange_busy"
    assert 6 < limiter.banned_for("binance") <= 7

    asked = len(venue.asked)
    with pytest.raises(BrokerUnavailable) as silence:
        gateway.fetch_order(ID, "BTC/USDT")
    assert silence.value.code == "exchange_busy"
    assert len(venue.asked) == asked
    get_redis_connection("default").flushdb()
    assert gateway.fetch_order(ID, "BTC/USDT") is None


QUESTIONS: dict[str, Callable[[CcxtGateway], Any]] = {
    "query": lambda gateway: gateway.fetch_order(ID, "BTC/USDT"),
    "open_orders": lambda gateway: gateway.fetch_open_orders("BTC/USDT"),
    "trades": lambda gateway: gateway.fetch_trades("BTC/USDT", None),
    "account": lambda gateway: gateway.fetch_balances(),
}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "timeout", "seconds": 1}, {"kind": "cut"}, {"kind": "status"}, {"kind": "garbage"},
        {"kind": "refuse", "code": -2015}, {"kind": "refuse", "code": -1121}, {"kind": "refuse", "code": -9999},
    ],
    ids=lambda fault: f"{fault['kind']}{fault.get('code', '')}",
)  # fmt: skip
@pytest.mark.parametrize("question", sorted(QUESTIONS))
def test_a_question_that_fails_is_never_an_empty_answer(
    gateway: CcxtGateway, venue: TradingVenue, question: str, fault: dict[str, Any]
) -> None:
    venue.control({"faults": [{"request": question, **fault}]})
    with pytest.raises(BrokerUnavailable):
        QUESTIONS[question](gateway)


def test_a_cancel_without_an_answer_is_not_known(gateway: CcxtGateway, venue: TradingVenue) -> None:
    gateway.submit_order(ask())
    venue.control({"faults": [{"request": "cancel", "kind": "cut", "after": True}]})
    with pytest.raises(BrokerUnavailable):
        gateway.cancel_order(ID, "BTC/USDT")
    found = gateway.fetch_order(ID, "BTC/USDT")
    assert found is not None
    assert found.status is OrderStatus.CANCELED


def test_an_order_that_is_not_visible_yet_is_told_as_the_exchange_tells_it(
    gateway: CcxtGateway, venue: TradingVenue
) -> None:
    gateway.submit_order(ask())
    venue.visible_after = 60_000
    assert gateway.fetch_order(ID, "BTC/USDT") is None
    assert gateway.fetch_open_orders("BTC/USDT") == []
    venue.visible_after = 0
    assert gateway.fetch_order(ID, "BTC/USDT") is not None


def test_a_listing_that_is_behind_the_trades_is_passed_on_as_it_is(gateway: CcxtGateway, venue: TradingVenue) -> None:
    gateway.submit_order(ask())
    venue.fill(ID, "0.2")
    venue.stale_by = 60_000
    [listed] = gateway.fetch_open_orders("BTC/USDT")
    [trade] = gateway.fetch_trades("BTC/USDT", datetime.now(UTC) - timedelta(minutes=1))
    assert (listed.filled_quantity, trade.quantity) == (0, Decimal("0.2"))


def test_a_trade_that_is_listed_twice_is_one_trade(gateway: CcxtGateway, venue: TradingVenue) -> None:
    gateway.submit_order(ask(type=OrderType.MARKET))
    venue.duplicate_trades = True
    assert len(gateway.fetch_trades("BTC/USDT", None)) == 1


@pytest.mark.parametrize("kind", [Side.BUY])
def test_real_money_needs_all_three_switches(
    trader: User, venue: TradingVenue, settings: LazySettings, kind: Side
) -> None:
    connection = exchange_connection(trader, sandbox=False)
    gateway = CcxtGateway(connection)

    def refused() -> str:
        with pytest.raises(BrokerRejected) as refusal:
            gateway.submit_order(ask(side=kind))
        return refusal.value.code

    assert refused() == "connection_not_live"
    connection.is_live = True
    assert refused() == "live_trading_off"
    settings.LIVE_TRADING = True
    assert refused() == "user_may_not_trade_live"
    assert venue.asked == []
    connection.owner.may_trade_live = True
    assert gateway.submit_order(ask()).status is OrderStatus.OPEN


def test_without_a_key_nothing_is_sent_and_nothing_is_known(connection: BrokerConnection) -> None:
    connection.encrypted_credentials = ""
    gateway = CcxtGateway(connection)
    with pytest.raises(BrokerRejected) as refusal:
        gateway.submit_order(ask())
    with pytest.raises(BrokerUnavailable) as silence:
        gateway.fetch_order(ID, "BTC/USDT")
    assert refusal.value.code == silence.value.code == "credentials_missing"


def test_another_key_is_used_from_the_next_call_on(connection: BrokerConnection, venue: TradingVenue) -> None:
    from apps.brokers.credentials import Credentials, sealed

    gateway = CcxtGateway(connection)
    assert set(gateway.fetch_balances()) == {"BNB", "BTC", "USDT"}
    venue.open_account("another-key-of-another-account", "its-secret", {"ETH": 1})
    connection.encrypted_credentials = sealed(Credentials("another-key-of-another-account", "its-secret"))
    assert set(gateway.fetch_balances()) == {"ETH"}


def test_every_error_of_ccxt_is_sorted_and_none_tells_a_secret() -> None:
    """By hand: what a class of error says of an order that was sent."""
    rejected = {
        ccxt.InsufficientFunds: "insufficient_funds", ccxt.InvalidOrder: "invalid_order",
        ccxt.OrderNotFound: "unknown_order", ccxt.BadSymbol: "unknown_symbol", ccxt.BadRequest: "invalid_order",
        ccxt.ArgumentsRequired: "invalid_order", ccxt.NotSupported: "not_supported",
        ccxt.PermissionDenied: "permission_denied", ccxt.AccountSuspended: "permission_denied",
        ccxt.AccountNotEnabled: "permission_denied", ccxt.AuthenticationError: "credentials_refused",
        ccxt.OperationRejected: "operation_rejected", ccxt.MarketClosed: "market_closed",
        ccxt.OrderImmediatelyFillable: "post_only_would_take",
    }  # fmt: skip
    unknown = {
        ccxt.RequestTimeout: "exchange_timeout", ccxt.NetworkError: "broker_unavailable",
        ccxt.ExchangeNotAvailable: "exchange_unavailable", ccxt.OnMaintenance: "exchange_unavailable",
        ccxt.DDoSProtection: "exchange_busy", ccxt.RateLimitExceeded: "exchange_busy",
        ccxt.InvalidNonce: "clock_skew", ccxt.BadResponse: "broker_unavailable",
        ccxt.NullResponse: "broker_unavailable", ccxt.ExchangeError: "broker_unavailable",
        ccxt.OperationFailed: "broker_unavailable", ccxt.DuplicateOrderId: "duplicate_order",
        OSError: "broker_unavailable", KeyError: "broker_unavailable",
    }  # fmt: skip
    text = f"binance GET https://api.binance.com/api/v3/order?signature=f00 key {KEY} secret {SECRET}"
    for expected, table in ((BrokerRejected, rejected), (BrokerUnavailable, unknown)):
        for kind, code in table.items():
            found = sorted_error(kind(text), "binance", (KEY, SECRET, ""))
            assert (type(found), getattr(found, "code", "")) == (expected, code), kind
            assert not any(secret in str(found) for secret in (KEY, SECRET, "signature"))
