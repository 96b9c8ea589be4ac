"""Fills of an exchange: followed in few questions, applied once however they come, with fees of any currency."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from algotrendy.trading.broker import ExecutionReport, ReportKind, VenueOrder
from algotrendy.trading.orders import OrderStatus
from apps.alerts.models import Alert
from apps.orders.models import Fill, Order
from apps.orders.services.entry.canceling import order_cancel
from apps.orders.services.holdings.filling import report_apply
from apps.orders.services.venue.truth import venue_order_apply
from apps.portfolio.models import Position
from tests.apps.brokers.conftest import KEY
from tests.apps.orders.exchange_desk import PAIR, ExchangeDesk
from tests.builders import make_candles_rows, make_instrument, make_order

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def report(order: Order, trade_id: str, quantity: str, price: str = "90", **more: object) -> ExecutionReport:
    return ExecutionReport(
        ReportKind.FILLED, order.client_order_id, NOW, trade_id=trade_id, price=D(price), quantity=D(quantity), **more
    )


def test_partial_fills_are_followed_with_two_questions_for_a_symbol(exchange_desk: ExchangeDesk) -> None:
    first, second = exchange_desk.place(), exchange_desk.place(quantity="2")
    exchange_desk.venue.fill(first.client_order_id, "0.25")
    exchange_desk.venue.fill(second.client_order_id, "0.5")
    before = len(exchange_desk.venue.asked)
    assert exchange_desk.follow() == 2
    assert [name for name, _ in exchange_desk.venue.asked[before:]] == ["open_orders", "trades"]
    first.refresh_from_db()
    assert (first.status, first.filled_quantity) == ("partially_filled", D("0.25"))
    assert exchange_desk.follow() == 0


def test_an_order_that_vanished_from_the_open_ones_is_asked_about(exchange_desk: ExchangeDesk) -> None:
    order = exchange_desk.place()
    exchange_desk.venue.cancel(order.client_order_id)
    exchange_desk.follow()
    order.refresh_from_db()
    assert (order.status, order.reason_code) == ("canceled", "venue_canceled")


def test_a_silent_exchange_changes_nothing(exchange_desk: ExchangeDesk) -> None:
    order = exchange_desk.place()
    exchange_desk.venue.set_price(PAIR, 90)
    exchange_desk.venue.faults.add([{"request": "open_orders", "kind": "status"}])
    assert exchange_desk.follow() == 0
    order.refresh_from_db()
    assert order.status == "open"
    assert exchange_desk.follow() == 1


def test_trades_that_are_listed_twice_count_once(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.venue.duplicate_trades = True
    order = exchange_desk.place()
    exchange_desk.venue.fill(order.client_order_id, "0.5")
    exchange_desk.follow()
    exchange_desk.reconcile()
    assert exchange_desk.fills() == [(D(90), D("0.5"))]


def test_a_fee_in_the_base_currency_leaves_the_position_at_what_the_account_holds(exchange_desk: ExchangeDesk) -> None:
    order = exchange_desk.place(kind="market", quantity="2")
    fill = Fill.objects.get()
    assert (fill.venue_fee, fill.venue_fee_currency, fill.fee) == (D("0.002"), "BTC", D("0.2"))  # 0.1 % of 2, at 100
    assert (order.status, order.filled_quantity) == ("filled", D(2))
    assert exchange_desk.held == exchange_desk.coins == D("1.998")
    assert exchange_desk.cash == D(9_800) == exchange_desk.venue.book.accounts[KEY].free["USDT"]


def test_a_fee_in_another_currency_is_booked_at_its_last_price_or_as_0_with_an_alert(
    exchange_desk: ExchangeDesk,
) -> None:
    exchange_desk.venue.book.accounts[KEY].pays_in = "BNB"
    exchange_desk.place(kind="market")
    unknown = Fill.objects.get()
    assert (unknown.fee, unknown.venue_fee_currency) == (D(0), "BNB")
    assert "BNB/USDT" in Alert.objects.get(code="order_irregular").message
    make_candles_rows(make_instrument("BNB/USDT"), [500])
    exchange_desk.place(kind="market", quantity="2")
    fill = Fill.objects.latest("created_at")
    assert fill.venue_fee == D("0.0004")  # 0.1 % of 200 USDT, at 500
    assert fill.fee == D("0.2")
    assert exchange_desk.held == exchange_desk.coins == D(3)


def test_fills_out_of_order_and_after_the_cancel_are_the_venues_truth(exchange_desk: ExchangeDesk) -> None:
    order = exchange_desk.place()
    order_cancel(order=order, actor=exchange_desk.owner)
    assert exchange_desk.settle(order).status == "canceled"
    connection = exchange_desk.connection
    report_apply(connection=connection, report=report(order, "b", "0.4"))
    report_apply(connection=connection, report=report(order, "a", "0.1"))
    report_apply(connection=connection, report=report(order, "b", "0.4"))
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("canceled", D("0.5"))
    report_apply(connection=connection, report=report(order, "c", "0.5"))
    order.refresh_from_db()
    assert order.status == "filled"
    assert exchange_desk.held == D(1)


@pytest.mark.parametrize(
    ("status", "after"), [("rejected", "filled"), ("denied", "denied"), ("expired", "filled"), ("pending", "filled")]
)
def test_no_status_refuses_a_fill(exchange_desk: ExchangeDesk, status: str, after: str) -> None:
    order = make_order(exchange_desk.portfolio, instrument=exchange_desk.instrument, status=status)
    report_apply(connection=exchange_desk.connection, report=report(order, "a", "1"))
    order.refresh_from_db()
    assert (order.status, exchange_desk.held) == (after, D(1))


def test_an_overfill_makes_the_order_as_large_as_the_venue_filled_it(exchange_desk: ExchangeDesk) -> None:
    order = exchange_desk.place()
    report_apply(connection=exchange_desk.connection, report=report(order, "a", "0.8"))
    report_apply(connection=exchange_desk.connection, report=report(order, "b", "0.7"))
    report_apply(connection=exchange_desk.connection, report=report(order, "c", "0.1"))
    order.refresh_from_db()
    assert (order.status, order.quantity, order.filled_quantity) == ("filled", D("1.6"), D("1.6"))
    assert exchange_desk.held == D("1.6")
    alert = Alert.objects.get(code="order_irregular")
    assert (alert.severity, alert.owner) == ("critical", exchange_desk.owner)


def test_one_trade_id_on_two_orders_is_two_fills(exchange_desk: ExchangeDesk) -> None:
    buy, sell = exchange_desk.place(), exchange_desk.place(quantity="2")
    for order in (buy, sell, buy, sell):
        report_apply(connection=exchange_desk.connection, report=report(order, "BTC/USDT:7", "0.5"))
    assert Fill.objects.count() == 2
    assert exchange_desk.held == D(1)


def ended(order: Order, **more: object) -> VenueOrder:
    values = {"filled_quantity": D(1), "average_price": D(88), **more}
    return VenueOrder(order.client_order_id, order.exchange_order_id, OrderStatus.FILLED, **values)


def inferred(exchange_desk: ExchangeDesk) -> Order:
    """Return an order of which the exchange says that it is filled at 88, though it lists 0.4 at 85 and no more."""
    order = exchange_desk.place()
    report_apply(connection=exchange_desk.connection, report=report(order, "BTC/USDT:BTCUSDT-1", "0.4", "85"))
    order.refresh_from_db()
    for _ in range(2):
        venue_order_apply(order=order, venue_order=ended(order), gateway=exchange_desk.gateway)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == ("partially_filled", D("0.4"))
    exchange_desk.later(order)
    venue_order_apply(order=order, venue_order=ended(order), gateway=exchange_desk.gateway)
    return Order.objects.get(pk=order.pk)


def test_what_a_venue_filled_and_does_not_list_is_inferred_after_a_grace(exchange_desk: ExchangeDesk) -> None:
    order = inferred(exchange_desk)
    assert (order.status, order.average_fill_price) == ("filled", D(88))
    made = Fill.objects.get(is_inferred=True)
    assert (made.price, made.quantity) == (D(90), D("0.6"))  # 0.4 x 85 + 0.6 x 90 = 88
    assert exchange_desk.held == D(1)


def test_trades_that_turn_up_later_take_the_place_of_what_was_inferred(exchange_desk: ExchangeDesk) -> None:
    order = inferred(exchange_desk)
    connection = exchange_desk.connection
    report_apply(connection=connection, report=report(order, "t2", "0.5", "91", fee=D("0.04")))
    assert Fill.objects.get(is_inferred=True).quantity == D("0.1")
    for _ in range(2):
        report_apply(connection=connection, report=report(order, "t3", "0.1", "89", fee=D("0.01")))
    order.refresh_from_db()
    assert not Fill.objects.filter(is_inferred=True).exists()
    assert (order.filled_quantity, order.filled_value) == (D(1), D("34") + D("45.5") + D("8.9"))
    assert exchange_desk.held == D(1)
    assert exchange_desk.cash == D(10_000) - D("88.4") - D("0.05")
    exchange_desk.portfolio.refresh_from_db()
    position = Position.objects.get()
    worth = exchange_desk.cash + position.cost_basis
    assert worth == 10_000 + exchange_desk.portfolio.realized_pnl - exchange_desk.portfolio.fees_paid


def test_a_trade_larger_than_what_was_inferred_adds_the_rest(exchange_desk: ExchangeDesk) -> None:
    order = inferred(exchange_desk)
    report_apply(connection=exchange_desk.connection, report=report(order, "t2", "0.8", "90"))
    report_apply(connection=exchange_desk.connection, report=report(order, "t2", "0.8", "90"))
    order.refresh_from_db()
    assert (order.filled_quantity, exchange_desk.held) == (D("1.2"), D("1.2"))


def test_protection_of_a_coin_that_paid_its_fee_is_on_the_grid(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.connection.test_result = {"rests": ["market", "limit", "stop"]}
    exchange_desk.connection.save()
    exchange_desk.place(kind="market", quantity="0.3333", stop_loss="95")
    stop = exchange_desk.settle(Order.objects.get(role="stop_loss"))
    assert exchange_desk.held == D("0.3333") - D("0.0003333")
    assert (stop.status, stop.quantity) == ("open", D("0.3329"))


def test_an_order_that_the_venue_forgot_is_ended_after_the_proof_window(exchange_desk: ExchangeDesk) -> None:
    order = exchange_desk.place()
    exchange_desk.venue.book.orders.clear()
    exchange_desk.follow()
    order.refresh_from_db()
    assert order.status == "open"
    Order.objects.update(unknown_since=datetime.now(UTC) - timedelta(seconds=31))
    exchange_desk.follow()
    order.refresh_from_db()
    assert (order.status, order.reason_code) == ("canceled", "unknown_at_venue")
