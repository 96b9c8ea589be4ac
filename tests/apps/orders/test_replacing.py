"""Replacing an order: never two at once, never more than was wanted, whatever fills and whoever dies in between."""

from decimal import Decimal as D

import pytest

from algotrendy.trading.broker import ReportKind
from algotrendy.trading.errors import InvalidOrder
from apps.accounts.models import AuditEvent
from apps.brokers.models import PaperOrder
from apps.orders.models import Order
from apps.orders.services.entry.canceling import order_cancel
from apps.orders.services.entry.placing import OrderDenied
from apps.orders.services.entry.repeating import ClientOrderIdReused
from apps.orders.services.entry.replacing import OrderNotReplaceable, order_replace
from tests.apps.orders.stepping import intent, kinds, state
from tests.builders import make_position

pytestmark = pytest.mark.django_db


@pytest.fixture
def replace(stepped):
    """Return a function that replaces an order with these figures."""

    def call(order, client_order_id=None, **figures):
        changes = {name: D(value) for name, value in figures.items()}
        return order_replace(order=order, actor=stepped.owner, client_order_id=client_order_id, **changes).order

    return call


def test_the_successor_waits_for_the_confirmed_end_and_then_goes(stepped, replace):
    order = stepped.place(limit_price="95")
    successor = replace(order, limit_price="96", client_order_id="better")
    assert (successor.status, successor.quantity, successor.limit_price) == ("held", 5, 96)
    assert successor.replaces_id == order.pk
    assert list(PaperOrder.objects.filter(status="open").values_list("limit_price", flat=True)) == [D(95)]

    stepped.settle(order)
    assert state(order)[0] == "canceled"
    assert order.reason == "Replaced by better."
    assert state(successor) == ("pending", 5, 0)
    stepped.settle(successor)
    assert list(PaperOrder.objects.filter(status="open").values_list("limit_price", flat=True)) == [D(96)]
    assert kinds(successor) == ["placed", "released", "submitted", "accepted"]
    assert AuditEvent.objects.get(action="order.replace_requested").target_id == str(successor.pk)


def test_what_was_filled_counts(stepped, replace):
    order = stepped.place(limit_price="95")
    stepped.fill(order, "1", "95")
    successor = replace(order, quantity="7", limit_price="96")
    stepped.fill(order, "1", "95")  # The fill that the cancel races.
    stepped.settle(order)
    assert state(order) == ("canceled", 5, 2)
    assert state(successor) == ("pending", 5, 0)  # 7 wanted in all, 2 filled


def test_a_successor_that_has_nothing_left_is_canceled(stepped, replace):
    order = stepped.place(limit_price="95")
    successor = replace(order, quantity="2")
    stepped.fill(order, "2", "95")
    stepped.settle(order)
    assert state(successor)[0] == "canceled"
    assert (successor.reason_code, successor.reason) == (
        "already_filled",
        "The order that it replaces has filled 2 already.",
    )


@pytest.mark.parametrize(("end", "code"), [("fill", "already_filled"), ("expire", "replaced_expired")])
def test_a_successor_ends_with_an_order_that_ends_otherwise(end, code, stepped, replace):
    order = stepped.place(limit_price="95")
    successor = replace(order, limit_price="96")
    if end == "fill":
        stepped.fill(order, "5", "95")
    else:
        stepped.say(order, ReportKind.EXPIRED)
    assert state(successor)[0] == "canceled"
    assert successor.reason_code == code
    stepped.settle_all()
    assert not PaperOrder.objects.filter(client_order_id=successor.client_order_id).exists()


def test_a_fill_after_the_confirmed_end_is_taken_from_the_successor(stepped, replace):
    order = stepped.place(limit_price="95")
    successor = replace(order, limit_price="96")
    stepped.settle(order)
    stepped.settle(successor)
    stepped.fill(order, "2", "95")
    assert state(order) == ("canceled", 5, 2)
    stepped.settle(successor)
    assert state(successor) == ("open", 3, 0)
    stepped.fill(order, "3", "95")
    stepped.settle(successor)
    assert state(order)[0] == "filled"
    assert state(successor)[0] == "canceled"


def test_an_order_that_was_never_sent_is_replaced_at_once(stepped, replace):
    order = stepped.place(limit_price="95", send=False)
    successor = replace(order, quantity="3")
    assert state(order)[0] == "canceled"
    assert state(successor) == ("pending", 3, 0)
    stepped.settle_all()
    assert PaperOrder.objects.get().client_order_id == successor.client_order_id


def test_replacements_chain(stepped, replace):
    """The second comes before the first has begun: it waits for the order that is really at the venue."""
    order = stepped.place(limit_price="95")
    first = replace(order, limit_price="96")
    second = replace(first, quantity="6", limit_price="97")
    assert state(first)[0] == "canceled"
    assert (state(second)[0], second.replaces_id) == ("held", order.pk)
    stepped.fill(order, "1", "95")
    stepped.settle(order)
    assert state(second) == ("pending", 5, 0)
    stepped.settle(second)
    third = replace(second, limit_price="98")
    stepped.settle(second)
    stepped.settle(third)
    assert state(third) == ("open", 5, 0)
    assert PaperOrder.objects.filter(status="open").count() == 1


def test_an_order_is_replaced_by_one_at_a_time(stepped, replace):
    order = stepped.place(limit_price="95")
    replace(order, limit_price="96")
    with pytest.raises(OrderNotReplaceable) as refusal:
        replace(order, limit_price="97")
    assert refusal.value.code == "order_being_replaced"


def test_the_same_replacement_again_is_the_first_whatever_became_of_it(stepped, replace):
    order = stepped.place(limit_price="95")
    first = replace(order, "again", limit_price="96")
    assert replace(order, "again", limit_price="96").pk == first.pk
    stepped.settle_all()
    assert replace(order, "again", limit_price="96.00").pk == first.pk
    replace(first, "further", limit_price="97")
    assert replace(order, "again", limit_price="96").pk == first.pk
    for changes in ({"limit_price": "97"}, {"quantity": "5"}, {"limit_price": "96", "quantity": "5"}):
        with pytest.raises(ClientOrderIdReused):
            replace(order, "again", **changes)
    with pytest.raises(ClientOrderIdReused):
        stepped.place(limit_price="96", client_order_id="again")


def test_canceling_an_order_that_is_being_replaced_ends_both(stepped, replace):
    order = stepped.place(limit_price="95")
    successor = replace(order, limit_price="96")
    order_cancel(order=order, actor=stepped.owner)
    stepped.settle(order)
    assert (state(order)[0], state(successor)[0]) == ("canceled", "canceled")


@pytest.mark.parametrize(
    ("figures", "code"),
    [
        ({}, "nothing_to_replace"),
        ({"quantity": "2"}, "quantity_already_filled"),
        ({"quantity": "5.00001"}, "quantity_off_step"),
        ({"limit_price": "95.001"}, "limit_price_off_tick"),
        ({"stop_price": "95"}, "stop_price_not_allowed"),
    ],
)
def test_a_replacement_is_checked_as_an_order_is_and_leaves_the_first_alone(figures, code, stepped, replace):
    order = stepped.place(limit_price="95")
    stepped.fill(order, "2", "95")
    with pytest.raises(InvalidOrder) as refusal:
        replace(order, **figures)
    assert refusal.value.code == code
    order.refresh_from_db()
    assert order.cancel_requested_at is None
    assert Order.objects.count() == 1


def test_the_risk_check_does_not_count_the_order_twice_but_counts_the_larger(stepped, replace):
    """A position may be worth 1,000: 6 at 95 are 570, and 10 at 95 are 950."""
    order = stepped.place(quantity="6", limit_price="95")
    bigger = replace(order, quantity="10")
    assert bigger.status == "held"
    with pytest.raises(OrderDenied):
        stepped.place(quantity="1", limit_price="95")
    with pytest.raises(OrderDenied) as refusal:
        replace(bigger, quantity="11")
    assert (refusal.value.order.status, refusal.value.order.replaces_id) == ("denied", None)
    assert state(bigger)[0] == "held"
    assert AuditEvent.objects.filter(action="order.denied").count() == 2


def test_a_finished_order_cannot_be_replaced(stepped, replace):
    order = stepped.place(limit_price="95")
    stepped.fill(order, "5", "95")
    with pytest.raises(OrderNotReplaceable):
        replace(order, limit_price="96")
    other = stepped.place(limit_price="90", quantity="1")
    order_cancel(order=other, actor=stepped.owner)
    with pytest.raises(OrderNotReplaceable):
        replace(other, limit_price="91")


def test_a_moved_stop_stays_what_it_protects_and_shrinks_with_it(stepped, replace):
    stepped.place(kind="market", quantity="5", stop_loss="90", take_profit="110")
    stepped.bar("100", "101", "99", "100")
    stop = Order.objects.get(role="stop_loss")
    moved = replace(stop, stop_price="95")
    assert (moved.parent_id, moved.oco_group, moved.role) == (stop.parent_id, stop.oco_group, "stop_loss")
    stepped.place("sell", "2", "market")
    stepped.fill(Order.objects.get(type="market", side="sell"), "2")
    stepped.settle(stop)
    stepped.settle_all()
    assert state(moved) == ("open", 3, 0)
    stepped.fill(Order.objects.get(role="take_profit"), "3", "110")
    stepped.settle_all()
    assert state(moved)[0] == "canceled" or moved.cancel_requested_at is not None


def test_a_waiting_secondary_is_replaced_and_goes_on_waiting(stepped, replace):
    primary, second = stepped.link("oto", intent(limit_price="95"), intent("sell", limit_price="110"))
    changed = replace(second, limit_price="120")
    assert (state(second)[0], state(changed)[0], changed.parent_id) == ("canceled", "held", primary.pk)
    stepped.fill(primary, "5", "95")
    assert state(changed) == ("pending", 5, 0)


def test_a_reducing_successor_goes_for_no_more_than_is_held(stepped, replace):
    position = make_position(stepped.portfolio, quantity=D(5))
    order = stepped.place("sell", "5", limit_price="110", reduce_only=True)
    successor = replace(order, limit_price="120")
    position.quantity = D(2)
    position.save()
    stepped.settle(order)
    assert state(successor) == ("pending", 2, 0)


def test_killed_between_any_two_steps_it_ends_the_same(stepped, replace):
    """Each step is committed with what it causes; a sweep that comes again and again changes nothing more."""
    order = stepped.place(limit_price="95")
    successor = replace(order, limit_price="96")
    for _ in range(3):
        stepped.settle_all()
    assert (state(order)[0], state(successor)[0]) == ("canceled", "open")
    assert kinds(successor) == ["placed", "released", "submitted", "accepted"]
    assert PaperOrder.objects.filter(status="open").count() == 1
