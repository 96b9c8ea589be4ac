"""Trades, balances, positions and rights: every page, every digit, every fee as it was charged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, getcontext

import pytest

from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import MarginMode, OrderType, Side
from apps.accounts.models import User
from apps.brokers.adapters.exchange import CcxtGateway, pages
from apps.brokers.adapters.exchange.ids import from_wire, to_wire
from apps.brokers.models import BrokerConnection, MarketType
from tests.exchange.server import LoopbackExchange
from tests.exchange.trading import TradingVenue

from .conftest import KEY, ask, exchange_connection

pytestmark = pytest.mark.django_db
ID = "a" * 32


def test_a_buy_pays_its_fee_in_what_was_bought_and_a_sell_in_what_it_brought(
    gateway: CcxtGateway, venue: TradingVenue
) -> None:
    gateway.submit_order(ask("1" * 32, type=OrderType.MARKET, quantity=Decimal("0.1234")))
    gateway.submit_order(ask("2" * 32, type=OrderType.MARKET, side=Side.SELL))
    bought, sold = gateway.fetch_trades("BTC/USDT", None)

    assert (bought.side, bought.price, bought.quantity) == (Side.BUY, Decimal(100), Decimal("0.1234"))
    assert (bought.fee, bought.fee_currency) == (Decimal("0.0001234"), "BTC")
    assert (sold.fee, sold.fee_currency) == (Decimal("0.05"), "USDT")
    assert bought.exchange_order_id == str(venue.book.orders[0].order_id)


def test_asking_an_exchange_leaves_the_rounding_of_decimals_as_it_was(gateway: CcxtGateway) -> None:
    """ccxt sets how the thread's decimals round: every figure that is worked out afterwards would follow it."""
    before = getcontext().copy()
    gateway.submit_order(ask("1" * 32, limit_price=Decimal("90.01")))
    gateway.fetch_trades("BTC/USDT", None)
    assert (getcontext().rounding, getcontext().traps) == (before.rounding, before.traps)
    assert f"{Decimal('-0.125'):.2f}" == "-0.12"


def test_a_fee_in_a_third_currency_stays_in_it(gateway: CcxtGateway, venue: TradingVenue) -> None:
    venue.book.accounts[KEY].pays_in = "BNB"
    gateway.submit_order(ask(type=OrderType.MARKET))
    [trade] = gateway.fetch_order_trades(ID, "BTC/USDT")
    assert (trade.fee, trade.fee_currency) == (Decimal("0.0001"), "BNB")  # 50 * 0.001 / 500


def test_trade_ids_are_the_accounts_own_although_exchanges_number_by_market(
    gateway: CcxtGateway, venue: TradingVenue
) -> None:
    gateway.submit_order(ask("1" * 32, type=OrderType.MARKET))
    gateway.submit_order(ask("2" * 32, type=OrderType.MARKET, symbol="ETH/USDT"))
    first, second = venue.book.trades
    second.trade_id = first.trade_id
    found = [*gateway.fetch_trades("BTC/USDT", None), *gateway.fetch_trades("ETH/USDT", None)]
    assert [trade.trade_id for trade in found] == [f"BTCUSDT-{first.trade_id}", f"ETHUSDT-{first.trade_id}"]


@pytest.mark.parametrize("since", [None, timedelta(minutes=5)], ids=["all", "since"])
def test_no_page_of_trades_is_left_out(
    gateway: CcxtGateway, venue: TradingVenue, monkeypatch: pytest.MonkeyPatch, since: timedelta | None
) -> None:
    monkeypatch.setattr(pages, "_limit", lambda client: 3)
    gateway.submit_order(ask(quantity=Decimal(1)))
    for _ in range(10):
        venue.fill(ID, "0.1")
    found = gateway.fetch_trades("BTC/USDT", None if since is None else datetime.now(UTC) - since)
    assert [trade.trade_id for trade in found] == [f"BTCUSDT-{trade.trade_id}" for trade in venue.book.trades]
    assert sum(name == "trades" for name, _ in venue.asked) == 4


def test_trades_from_before_are_left_out(gateway: CcxtGateway, venue: TradingVenue) -> None:
    gateway.submit_order(ask("1" * 32, type=OrderType.MARKET))
    venue.book.trades[0].time -= 3_600_000
    gateway.submit_order(ask("2" * 32, type=OrderType.MARKET))
    found = gateway.fetch_trades("BTC/USDT", datetime.now(UTC) - timedelta(minutes=1))
    assert [trade.trade_id for trade in found] == [f"BTCUSDT-{venue.book.trades[1].trade_id}"]


def test_where_pages_are_by_time_a_full_one_is_split_until_none_is_full(
    gateway: CcxtGateway, venue: TradingVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_limit", lambda client: 4)
    monkeypatch.setattr(pages, "pages_by_id", lambda client: False)
    gateway.submit_order(ask(quantity=Decimal(1)))
    for number in range(10):
        venue.fill(ID, "0.1").time -= 1000 * number
    found = gateway.fetch_trades("BTC/USDT", datetime.now(UTC) - timedelta(minutes=1))
    assert len(found) == 10
    assert [trade.at for trade in found] == sorted(trade.at for trade in found)

    for trade in venue.book.trades:
        trade.time = venue.book.trades[0].time
    with pytest.raises(BrokerUnavailable):
        gateway.fetch_trades("BTC/USDT", datetime.now(UTC) - timedelta(minutes=1))


def test_an_instrument_is_known_also_to_a_client_that_was_reminded_of_others_only(
    gateway: CcxtGateway, trader: User, venue: TradingVenue
) -> None:
    gateway.submit_order(ask("1" * 32))
    other = CcxtGateway(exchange_connection(trader, name="Another"))
    assert len(other.fetch_open_orders("BTC/USDT")) == 1
    assert other.submit_order(ask("2" * 32, symbol="ETH/USDT")).status is OrderStatus.OPEN


def test_an_instrument_that_is_not_traded_makes_nobody_load_all_markets_again(
    gateway: CcxtGateway, loopback: LoopbackExchange
) -> None:
    for number in range(3):
        with pytest.raises(BrokerRejected) as refusal:
            gateway.submit_order(ask(str(number) * 32, symbol="NO/SUCH"))
        assert refusal.value.code == "unknown_symbol"
    assert sum("exchangeInfo" in path for _, path, _ in loopback.requests) == 1


def test_balances_tell_what_is_free_and_what_is_tied_up(gateway: CcxtGateway) -> None:
    gateway.submit_order(ask(quantity=Decimal("0.1234"), limit_price=Decimal("89.99")))
    balances = gateway.fetch_balances()
    assert (balances["USDT"].free, balances["USDT"].used) == (Decimal("9988.895234"), Decimal("11.104766"))
    assert (balances["BTC"].free, balances["BTC"].total) == (Decimal(10), Decimal(10))
    assert "ETH" not in balances


def test_a_spot_account_holds_of_an_instrument_what_it_holds_of_its_base(gateway: CcxtGateway) -> None:
    positions = gateway.fetch_positions(["BTC/USDT", "ETH/USDT"])
    assert {symbol: position.quantity for symbol, position in positions.items()} == {"BTC/USDT": Decimal(10)}


@pytest.mark.parametrize(
    ("rights", "warned"),
    [
        ({}, []),
        ({"enableWithdrawals": True}, ["withdraw"]),
        ({"ipRestrict": False}, ["every address"]),
        ({"enableSpotAndMarginTrading": False}, ["may not trade"]),
    ],
)
def test_a_key_is_told_by_what_it_may_do(
    trader: User, venue: TradingVenue, rights: dict[str, bool], warned: list[str]
) -> None:
    for name, value in rights.items():
        setattr(venue.book.accounts[KEY].rights, name, value)
    found = CcxtGateway(exchange_connection(trader, sandbox=False)).key_rights()
    told = venue.book.accounts[KEY].rights
    assert (found.can_read, found.can_trade) == (True, told.enableSpotAndMarginTrading)
    assert (found.can_withdraw, found.is_ip_restricted) == (told.enableWithdrawals, told.ipRestrict)
    assert len(found.warnings) == len(warned)
    assert all(word in warning for word, warning in zip(warned, found.warnings, strict=True))


def test_on_the_test_network_a_key_shows_by_reading_that_it_may(gateway: CcxtGateway) -> None:
    rights = gateway.key_rights()
    assert (rights.can_read, rights.can_trade, rights.can_withdraw, rights.warnings) == (True, True, None, ())


def test_a_key_that_the_exchange_refuses_has_no_rights(gateway: CcxtGateway, venue: TradingVenue) -> None:
    venue.book.accounts.clear()
    with pytest.raises(BrokerRejected) as refusal:
        gateway.key_rights()
    assert refusal.value.code == "credentials_refused"


def test_swaps_have_positions_and_leverage(trader: User, venue: TradingVenue) -> None:
    account = venue.book.accounts[KEY]
    account.rights.enableFutures = True
    gateway = CcxtGateway(exchange_connection(trader, market_type=MarketType.SWAP))
    gateway.set_leverage("BTC/USDT", Decimal(5))
    placed = gateway.submit_order(ask(type=OrderType.MARKET, side=Side.SELL))
    venue.set_price("BTCUSDT", 90)
    position = gateway.fetch_positions(["BTC/USDT", "ETH/USDT"])["BTC/USDT"]

    assert placed.status is OrderStatus.FILLED
    assert account.leverage == {"BTCUSDT": 5}
    assert (position.quantity, position.entry_price, position.mark_price) == (Decimal("-0.5"), 100, 90)
    assert (position.leverage, position.margin_mode) == (Decimal(5), MarginMode.CROSS)
    [trade] = gateway.fetch_trades("BTC/USDT", datetime.now(UTC) - timedelta(minutes=1))
    assert (trade.side, trade.fee, trade.fee_currency) == (Side.SELL, Decimal("0.05"), "USDT")


def test_a_spot_account_takes_no_leverage(gateway: CcxtGateway) -> None:
    with pytest.raises(BrokerRejected) as refusal:
        gateway.set_leverage("BTC/USDT", Decimal(2))
    assert refusal.value.code == "not_supported"


@pytest.mark.parametrize(
    ("exchange", "ours", "fits"),
    [
        ("binance", ID, True),
        ("okx", "0123456789abcdef" * 2, True),
        ("binance", "signal-" + "0" * 31 + "7", False),
        ("okx", "signal-" + "f" * 32, False),
        ("okx", "close-" + "1" * 32, False),
        ("binance", "0" * 32 + "-stop-2", False),
        ("binance", "ATnotours", True),
        ("okx", "my-order", None),
    ],
)
def test_an_id_that_an_exchange_does_not_take_is_written_so_that_it_is_read_back(
    exchange: str, ours: str, fits: bool | None
) -> None:
    if fits is None:
        with pytest.raises(BrokerRejected):
            to_wire(exchange, ours)
        return
    written = to_wire(exchange, ours)
    assert (written == ours) is fits
    assert len(written) <= (32 if exchange == "okx" else 36)
    assert written.isalnum() or exchange != "okx"
    assert from_wire(written) == ours


def test_an_order_with_a_written_id_is_listed_under_the_platforms(
    gateway: CcxtGateway, connection: BrokerConnection
) -> None:
    ours = "signal-" + "5" * 32
    gateway.submit_order(ask(ours))
    found = gateway.fetch_order(ours, "BTC/USDT")
    assert found is not None
    assert [order.client_order_id for order in gateway.fetch_open_orders("BTC/USDT")] == [ours]
    assert gateway.cancel_order(ours, "BTC/USDT").client_order_id == ours
