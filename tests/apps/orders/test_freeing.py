"""Closing at a spot exchange, where the stop that rests has locked what is to be sold."""

from decimal import Decimal as D

import pytest

from algotrendy.trading.errors import InvalidOrder
from apps.orders.models import Order
from apps.orders.services.holdings.closing import position_close
from apps.orders.services.signals.executing import held_quantity
from apps.portfolio.models import Position
from tests.apps.brokers.conftest import KEY
from tests.apps.orders.exchange_desk import ExchangeDesk
from tests.builders import make_strategy

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(exchange_desk: ExchangeDesk) -> Position:
    """Hold 2 BTC whose stop at 95 rests at the exchange; the fees are paid in BNB, so that all of it can be sold."""
    exchange_desk.connection.test_result = {"rests": ["market", "limit", "stop"]}
    exchange_desk.connection.save()
    exchange_desk.venue.book.accounts[KEY].pays_in = "BNB"
    exchange_desk.place(kind="market", quantity="2", stop_loss="95")
    stop = exchange_desk.settle(Order.objects.get(role="stop_loss"))
    assert stop.status == "open"
    return Position.objects.get(closed_at=None)


def close(desk: ExchangeDesk, position: Position, quantity: D | None = None) -> Order:
    order = position_close(position=position, actor=desk.owner, quantity=quantity).order
    return desk.settle(order)


def test_a_close_waits_until_the_stop_has_let_go_of_what_it_sells(exchange_desk: ExchangeDesk, held: Position) -> None:
    order = close(exchange_desk, held)
    stop = Order.objects.get(role="stop_loss", replaces=None)
    assert (order.status, stop.cancel_requested_at is None) == ("pending", False)
    assert exchange_desk.settle(order).status == "pending"  # It is not sent while the stop may still be there.
    stop = exchange_desk.settle(stop)
    assert (stop.status, stop.reason_code) == ("canceled", "makes_room")
    assert exchange_desk.settle(order).status == "filled"
    held.refresh_from_db()
    assert held.closed_at is not None
    assert exchange_desk.coins == 0


def test_closing_a_part_leaves_a_smaller_stop_for_the_rest(exchange_desk: ExchangeDesk, held: Position) -> None:
    order = close(exchange_desk, held, D("0.5"))
    first = Order.objects.get(role="stop_loss", replaces=None)
    successor = Order.objects.get(replaces=first)
    assert order.status == "pending"
    assert (successor.status, successor.quantity) == ("held", D("1.5"))
    assert exchange_desk.settle(first).status == "canceled"
    assert exchange_desk.settle(order).status == "filled"
    assert exchange_desk.settle(successor).status == "open"
    held.refresh_from_db()
    assert held.quantity == D("1.5")
    assert [each.quantity for each in exchange_desk.orders_at_venue() if each.status == "NEW"] == [D("1.5")]


def test_what_a_fee_in_the_base_currency_leaves_below_a_step_is_neither_sold_nor_counted_as_held(
    exchange_desk: ExchangeDesk,
) -> None:
    """0.1234 bought, of which 0.1 % are kept: 0.1232766 are held, 0.1232 can be sold, 0.0000766 are dust."""
    exchange_desk.place(kind="market", quantity="0.1234")
    position = Position.objects.get(closed_at=None)
    assert (position.quantity, position.tradable_quantity) == (D("0.1232766"), D("0.1232"))
    assert close(exchange_desk, position).status == "filled"
    position.refresh_from_db()
    assert (position.quantity, position.tradable_quantity, position.closed_at) == (D("0.0000766"), 0, None)
    with pytest.raises(InvalidOrder):
        position_close(position=position, actor=exchange_desk.owner)
    strategy = make_strategy(exchange_desk.portfolio, slug="manual", instrument=exchange_desk.instrument)
    assert held_quantity(exchange_desk.portfolio, strategy) == 0


def test_a_stop_that_is_about_to_be_sent_is_made_smaller_before_a_part_is_sold(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.connection.test_result = {"rests": ["market", "limit", "stop"]}
    exchange_desk.connection.save()
    exchange_desk.venue.book.accounts[KEY].pays_in = "BNB"
    exchange_desk.place(kind="market", quantity="2", stop_loss="95")
    exchange_desk.venue.faults.add([{"request": "place", "kind": "cut", "after": True}])
    order = close(exchange_desk, Position.objects.get(), D("0.5"))
    stop = Order.objects.get(role="stop_loss", replaces=None)
    assert (order.status, stop.status, stop.reason_code) == ("pending", "canceled", "reduced")

    assert exchange_desk.settle(order).status == "submitted"  # It was sold, and the answer was lost.
    assert exchange_desk.settle(Order.objects.get(replaces=stop)).status == "open"
    assert exchange_desk.settle(order).status == "filled"
    assert [each.quantity for each in exchange_desk.orders_at_venue() if each.status == "NEW"] == [D("1.5")]
