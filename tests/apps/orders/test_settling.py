"""Settling with an exchange that loses answers: nothing is sent twice, and nothing is given up without proof."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from apps.alerts.models import Alert
from apps.brokers.models import BrokerConnection
from apps.orders.models import Order, OrderEvent
from apps.orders.services.entry.canceling import order_cancel
from apps.orders.services.venue.settling import strays_settle
from tests.apps.brokers.conftest import KEY
from tests.apps.orders.exchange_desk import PAIR, ExchangeDesk
from tests.builders import make_halt, make_order

pytestmark = pytest.mark.django_db


def kinds(order: Order) -> list[str]:
    return list(OrderEvent.objects.filter(order=order).order_by("version").values_list("kind", flat=True))


def test_an_order_is_sent_once_and_acknowledged(exchange_desk: ExchangeDesk) -> None:
    order = exchange_desk.place()
    assert (order.status, kinds(order)) == ("open", ["placed", "submitted", "accepted"])
    assert order.exchange_order_id == str(exchange_desk.orders_at_venue()[0].order_id)
    exchange_desk.settle(order)
    assert exchange_desk.requests("place") == 1


def test_a_definite_refusal_rejects_with_the_venues_reason(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.venue.faults.add([{"request": "place", "kind": "refuse", "code": -2010, "message": "Account has insufficient balance for requested action."}])  # fmt: skip  # noqa: E501
    order = exchange_desk.place()
    assert (order.status, order.reason_code) == ("rejected", "insufficient_funds")
    assert "insufficient balance" in order.reason
    assert exchange_desk.orders_at_venue() == []


@pytest.mark.parametrize("kind", ["timeout", "cut", "status", "garbage"])
def test_an_order_whose_answer_was_lost_is_found_by_its_id_and_not_sent_again(
    exchange_desk: ExchangeDesk, kind: str
) -> None:
    exchange_desk.venue.faults.add([{"request": "place", "kind": kind, "after": True, "seconds": 0.7}])
    order = exchange_desk.place()
    assert (order.status, order.exchange_order_id) == ("submitted", "")
    assert exchange_desk.settle(order).status == "open"
    assert exchange_desk.requests("place") == 1
    assert len(exchange_desk.orders_at_venue()) == 1


def test_an_order_that_never_arrived_is_rejected_only_after_the_proof_window_and_is_never_resent(
    exchange_desk: ExchangeDesk,
) -> None:
    exchange_desk.venue.faults.add([{"request": "place", "kind": "cut"}])
    order = exchange_desk.place()
    assert exchange_desk.settle(order).status == "submitted"
    exchange_desk.later(order, seconds=10)
    assert exchange_desk.settle(order).status == "submitted"
    exchange_desk.later(order, seconds=31)
    order = exchange_desk.settle(order)
    assert (order.status, order.reason_code) == ("rejected", "unknown_at_venue")
    assert "31 s after it was sent" in order.reason
    assert exchange_desk.requests("place") == 1
    assert exchange_desk.requests("cancel") == 1
    assert kinds(order) == ["placed", "submitted", "unknown", "given_up"]
    assert Alert.objects.get(code="order_irregular").owner == exchange_desk.owner


def test_one_answer_that_the_order_is_unknown_is_no_proof_however_late_it_comes(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.venue.faults.add([{"request": "place", "kind": "cut"}])
    order = exchange_desk.place()
    exchange_desk.later(order, seconds=600)
    assert exchange_desk.settle(order).status == "submitted"
    assert exchange_desk.settle(order).status == "submitted"  # Within the same second: still one answer.


def test_a_venue_that_does_not_answer_proves_nothing(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.venue.faults.add([{"request": "place", "kind": "cut"}])
    order = exchange_desk.place()
    exchange_desk.settle(order)
    exchange_desk.later(order, seconds=600)
    exchange_desk.venue.faults.add([{"request": "query", "kind": "status", "times": 3}])
    for _ in range(3):
        assert exchange_desk.settle(order).status == "submitted"
    exchange_desk.venue.faults.add([{"request": "cancel", "kind": "status"}])
    assert exchange_desk.settle(order).status == "submitted"
    assert exchange_desk.settle(order).status == "rejected"


def test_an_order_that_the_exchange_does_not_show_is_canceled_there_before_it_is_given_up(
    exchange_desk: ExchangeDesk,
) -> None:
    exchange_desk.venue.visible_after = 3_600_000
    exchange_desk.venue.faults.add([{"request": "place", "kind": "cut", "after": True}])
    order = exchange_desk.place()
    exchange_desk.settle(order)
    exchange_desk.later(order)
    order = exchange_desk.settle(order)
    assert order.status == "rejected"
    assert [each.status for each in exchange_desk.orders_at_venue()] == ["CANCELED"]


def test_a_given_up_order_that_turns_up_is_at_work_again(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.venue.faults.add([{"request": "place", "kind": "cut"}])
    order = exchange_desk.place()
    exchange_desk.settle(order)
    exchange_desk.later(order)
    assert exchange_desk.settle(order).status == "rejected"
    exchange_desk.venue.external(
        KEY, symbol=PAIR, side="BUY", type="LIMIT", timeInForce="GTC", quantity="1", price="90",
        newClientOrderId=order.client_order_id,
    )  # fmt: skip
    exchange_desk.reconcile()
    order.refresh_from_db()
    assert (order.status, order.reason_code, order.closed_at) == ("open", "", None)
    assert Order.objects.count() == 1


def test_a_stop_loss_that_never_arrived_is_committed_again_under_another_id(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.venue.faults.add([{"request": "place", "kind": "cut"}])
    exchange_desk.connection.test_result = {"rests": ["market", "limit", "stop"]}
    exchange_desk.connection.save()
    exchange_desk.venue.faults.waiting.clear()
    exchange_desk.place(kind="market", stop_loss="95")
    stop = Order.objects.get(role="stop_loss")
    exchange_desk.venue.faults.add([{"request": "place", "kind": "cut"}])
    stop = exchange_desk.settle(stop)
    assert stop.status == "submitted"
    exchange_desk.settle(stop)
    exchange_desk.later(stop)
    assert exchange_desk.settle(stop).status == "rejected"
    again = Order.objects.get(replaces=stop)
    assert again.client_order_id != stop.client_order_id
    assert (again.role, again.stop_price, again.quantity) == ("stop_loss", stop.stop_price, stop.quantity)
    assert exchange_desk.settle(again).status == "open"


def test_a_halt_denies_an_order_that_is_queued_already(exchange_desk: ExchangeDesk) -> None:
    order = make_order(exchange_desk.portfolio, instrument=exchange_desk.instrument, status="pending")
    make_halt(exchange_desk.portfolio, reason="Going home.")
    order = exchange_desk.settle(order)
    assert (order.status, order.reason_code) == ("denied", "trading_halted")
    assert order.reason == "Trading is halted: Going home."
    assert exchange_desk.requests("place") == 0


def test_real_money_that_was_switched_off_denies_an_order_that_is_queued_already(
    exchange_desk: ExchangeDesk,
) -> None:
    order = make_order(exchange_desk.portfolio, instrument=exchange_desk.instrument, status="pending")
    BrokerConnection.objects.filter(pk=exchange_desk.connection.pk).update(sandbox=False, is_live=True)
    order = exchange_desk.settle(order)
    assert (order.status, order.reason_code) == ("denied", "live_trading_off")
    assert exchange_desk.requests("place") == 0


def test_a_cancel_whose_answer_was_lost_ends_the_order_when_it_is_asked_about(exchange_desk: ExchangeDesk) -> None:
    order = exchange_desk.place()
    exchange_desk.venue.faults.add([{"request": "cancel", "kind": "cut", "after": True}])
    order_cancel(order=order, actor=exchange_desk.owner)
    assert exchange_desk.settle(order).status == "open"
    order = exchange_desk.settle(order)
    assert (order.status, order.reason_code) == ("canceled", "canceled_by_user")


def test_a_cancel_that_the_fill_outran_ends_in_the_fill(exchange_desk: ExchangeDesk) -> None:
    order = exchange_desk.place()
    exchange_desk.venue.set_price(PAIR, 90)
    order_cancel(order=order, actor=exchange_desk.owner)
    assert exchange_desk.settle(order).status == "filled"
    assert exchange_desk.fills() == [(D(90), D(1))]


def test_a_canceled_order_keeps_what_was_filled_of_it(exchange_desk: ExchangeDesk) -> None:
    order = exchange_desk.place()
    exchange_desk.venue.fill(order.client_order_id, "0.4")
    order_cancel(order=order, actor=exchange_desk.owner)
    order = exchange_desk.settle(order)
    assert (order.status, order.filled_quantity) == ("canceled", D("0.4"))


def test_the_sweep_leaves_a_silent_venue_after_three_orders(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.venue.faults.add([{"request": "place", "kind": "cut", "times": 5}])
    orders = [exchange_desk.place() for _ in range(5)]
    for order in orders:
        exchange_desk.later(order, seconds=9)
    exchange_desk.venue.faults.add([{"request": "query", "kind": "status", "times": 99}])
    before = exchange_desk.requests("query")
    strays_settle(connection_id=exchange_desk.connection.pk)
    assert exchange_desk.requests("query") == before + 3


def test_orders_wait_where_the_venue_has_not_been_compared_and_does_not_answer(exchange_desk: ExchangeDesk) -> None:
    exchange_desk.connection.reconciliations.update(
        finished_at=exchange_desk.connection.created_at - timedelta(hours=1)
    )
    exchange_desk.venue.faults.add([{"request": "account", "kind": "status", "times": 9}])
    order = exchange_desk.place()
    assert order.status == "pending"
    exchange_desk.venue.faults.waiting.clear()
    assert exchange_desk.settle(order).status == "open"
