"""Failures that other platforms have published, each as it would show here. The numbers are of their own trackers."""

from decimal import Decimal as D

import pytest

from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side
from apps.brokers.adapters.exchange.ids import to_wire
from apps.orders.models import Fill, Order
from apps.orders.services.entry.placing import order_place
from apps.orders.services.holdings.closing import position_close
from apps.portfolio.models import Position
from tests.apps.brokers.conftest import KEY
from tests.apps.orders.exchange_desk import PAIR, ExchangeDesk

pytestmark = pytest.mark.django_db


def restart(desk: ExchangeDesk) -> None:
    """Do what a platform does that begins anew: nothing is kept but the rows, and everything is compared."""
    desk.connection.refresh_from_db()
    desk.reconcile()
    desk.follow()


def positions() -> list[tuple[D, D, bool]]:
    return [
        (position.quantity, position.entry_price, position.closed_at is None)
        for position in Position.objects.order_by("created_at")
    ]


def test_nautilustrader_4736_a_restart_does_not_flatten_a_position(exchange_desk: ExchangeDesk) -> None:
    """A warm restart rebuilt a position from the executions of a short window and closed what was not there."""
    exchange_desk.place(kind="market")
    before = positions()
    exchange_desk.venue.book.trades.clear()
    for fault in ({}, {"request": "account", "kind": "status"}, {"request": "trades", "kind": "garbage"}):
        exchange_desk.venue.faults.add([fault] if fault else [])
        restart(exchange_desk)
        exchange_desk.venue.faults.waiting.clear()
        assert positions() == before
    assert Order.objects.count() == Fill.objects.count() == 1


def test_nautilustrader_3046_fills_that_are_told_again_after_a_restart_count_once(exchange_desk: ExchangeDesk) -> None:
    """A restart replayed known fills: duplicate trade ids broke the start-up, or counted twice."""
    exchange_desk.place(kind="market")
    exchange_desk.place(kind="market", quantity="2")
    exchange_desk.venue.duplicate_trades = True
    before, cash = positions(), exchange_desk.cash
    for _ in range(3):
        restart(exchange_desk)
    assert (positions(), exchange_desk.cash, Fill.objects.count()) == (before, cash, 2)


def test_nautilustrader_3176_comparing_positions_after_a_restart_makes_no_orders(exchange_desk: ExchangeDesk) -> None:
    """With a persistent cache, reconciling positions on restart created orders a second time."""
    exchange_desk.place(kind="market")
    order = exchange_desk.place()
    exchange_desk.venue.book.accounts[KEY].add("BTC", D("-0.5"))
    sent = exchange_desk.requests("place")
    for _ in range(3):
        restart(exchange_desk)
        exchange_desk.settle(order)
    assert exchange_desk.reconcile().outcome == "drift"
    assert Order.objects.count() == 2
    assert exchange_desk.requests("place") == sent


def test_nautilustrader_5000_a_working_order_stays_where_fills_do_not_make_the_position(
    exchange_desk: ExchangeDesk,
) -> None:
    """Where fills did not reconstruct the venue's position, the instrument's working orders were dropped."""
    exchange_desk.place(kind="market", quantity="2")
    orders = [exchange_desk.place(limit_price=price) for price in ("80", "81", "82")]
    exchange_desk.venue.book.trades.clear()
    exchange_desk.venue.book.accounts[KEY].add("BTC", D("-1.5"))
    exchange_desk.venue.external(
        KEY, symbol=PAIR, side="BUY", type="LIMIT", timeInForce="GTC", quantity="1", price="70"
    )
    row = exchange_desk.reconcile()
    assert (row.outcome, row.orders_adopted) == ("drift", 1)
    assert [Order.objects.get(pk=order.pk).status for order in orders] == ["open"] * 3
    assert Order.objects.get(role="external").status == "open"
    exchange_desk.venue.set_price(PAIR, 81)
    exchange_desk.follow()
    statuses = [Order.objects.get(pk=order.pk).status for order in orders]
    assert statuses == ["open", "filled", "filled"]


def test_freqtrade_2836_the_position_is_what_the_exchange_holds_and_can_be_sold(exchange_desk: ExchangeDesk) -> None:
    """The local amount ignored what the exchange had kept as its fee, or not filled: selling it failed."""
    first = exchange_desk.place(kind="market", quantity="1")
    second = exchange_desk.place(quantity="1")
    exchange_desk.venue.fill(second.client_order_id, "0.3")
    exchange_desk.venue.cancel(second.client_order_id)
    exchange_desk.follow()
    assert Order.objects.get(pk=first.pk).status == "filled"
    assert exchange_desk.held == exchange_desk.coins == D("1.2987")  # 1.3 less 0.1 %
    intent = OrderIntent(Side.SELL, OrderType.MARKET, D("1.2987"), reduce_only=True)
    placement = order_place(
        portfolio=exchange_desk.portfolio, instrument=exchange_desk.instrument, intent=intent, actor=exchange_desk.owner
    )
    assert exchange_desk.settle(placement.order).status == "filled"
    assert exchange_desk.held == exchange_desk.coins == D(0)
    assert exchange_desk.reconcile().outcome == "clean"


def test_freqtrade_8374_a_stop_that_was_filled_in_part_protects_the_rest_and_no_more(
    exchange_desk: ExchangeDesk,
) -> None:
    """A stop-loss that was filled in part and then canceled was replaced by one for the whole amount."""
    exchange_desk.connection.test_result = {"rests": ["market", "limit", "stop"]}
    exchange_desk.connection.save()
    exchange_desk.venue.book.accounts[KEY].pays_in = "BNB"
    exchange_desk.place(kind="market", quantity="2", stop_loss="95")
    stop = exchange_desk.settle(Order.objects.get(role="stop_loss"))
    exchange_desk.venue.fill(to_wire("binance", stop.client_order_id), "0.5", "94")
    exchange_desk.follow()
    stop.refresh_from_db()
    assert (stop.status, stop.remaining_quantity) == ("partially_filled", D("1.5"))
    assert exchange_desk.held == exchange_desk.coins == D("1.5")
    position = Position.objects.get(closed_at=None)
    order = position_close(position=position, actor=exchange_desk.owner).order
    assert order.quantity == D("1.5")
    exchange_desk.venue.cancel(to_wire("binance", stop.client_order_id))
    exchange_desk.follow()
    assert exchange_desk.settle(order).status == "filled"
    assert exchange_desk.held == exchange_desk.coins == D(0)
    working = Order.objects.filter(status__in=["open", "partially_filled", "pending", "submitted"])
    assert not working.exists()
