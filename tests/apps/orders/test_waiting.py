"""One sender at a time for what waits for paper venues: it goes on while there is more, and leaves nothing behind."""

import pytest

from apps.common.correlation import correlated
from apps.common.jobs import enqueue_once, task_begins
from apps.orders.models import Order, OrderEvent
from apps.orders.services.venue import waiting
from apps.orders.services.venue.waiting import waiting_send
from tests.apps.orders.stepper import Stepper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(trader):
    task_begins("orders.send")
    return Stepper(trader)


@pytest.fixture
def asked(monkeypatch):
    """The tasks that were sent to workers from now on."""
    found = []
    monkeypatch.setattr("apps.common.jobs._send", lambda task, args, expires, **delay: found.append((task, *args)))
    return found


@pytest.fixture
def looks(monkeypatch):
    """What happens just before the sender's looks at what waits, in turn."""
    then, look = [], waiting.orders_waiting

    def meanwhile():
        if then and (happens := then.pop(0)) is not None:
            happens()
        return look()

    monkeypatch.setattr(waiting, "orders_waiting", meanwhile)
    return then


def statuses():
    return list(Order.objects.order_by("created_at").values_list("status", flat=True))


def test_what_comes_while_a_sender_is_at_work_is_its_next_batch_and_asks_for_no_other(desk, asked, looks):
    desk.commit(quantity="1")
    assert asked == [("orders.send",)]
    looks += [None, lambda: desk.commit(quantity="2"), lambda: desk.commit(quantity="3")]
    assert waiting_send() == 3
    assert statuses() == ["open"] * 3
    assert asked == [("orders.send",)]
    desk.commit(quantity="4")
    assert asked == [("orders.send",)] * 2


def test_what_comes_after_the_last_but_one_look_is_sent_by_the_last(desk, asked, looks):
    looks += [None, lambda: desk.commit(quantity="1")]
    enqueue_once("orders.send")
    assert waiting_send() == 1
    assert statuses() == ["open"]
    assert asked == [("orders.send",)] * 2  # Somebody looks once more: there was something.


def test_a_sender_that_has_been_at_it_for_long_leaves_the_rest_to_another_task(desk, asked, looks, monkeypatch):
    monkeypatch.setattr(waiting, "TIME_BUDGET", 0)
    looks += [lambda: desk.commit(quantity="1"), lambda: desk.commit(quantity="2")]
    assert waiting_send() == 2
    assert asked[-1] == ("orders.send",)


def test_an_order_that_cannot_be_sent_is_tried_once(desk, asked, monkeypatch):
    order = desk.commit(quantity="1")
    monkeypatch.setattr(waiting, "orders_send", lambda ids: set())
    tried = []
    monkeypatch.setattr(waiting, "orders_each_settle", lambda ids: tried.extend(ids))
    assert waiting_send() == 1
    assert tried == [order.pk]


def test_what_is_sent_together_stays_joined_with_the_request_that_asked_for_it(desk, asked):
    orders = {}
    for name in ("first", "second"):
        with correlated(f"request-{name}"):
            orders[name] = desk.commit(quantity="1")
    with correlated("task"):
        assert waiting_send() == 2
    for name, order in orders.items():
        events = OrderEvent.objects.filter(order=order).order_by("version").values_list("kind", "correlation_id")
        assert list(events) == [(kind, f"request-{name}") for kind in ("placed", "submitted", "accepted")]
