"""Linked orders: brackets, pairs of which one cancels the other, and orders that wait for another's fill."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from algotrendy.trading.broker import ReportKind
from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.values import OrderType
from apps.accounts.models import AuditEvent
from apps.brokers.models import PaperOrder
from apps.orders.models import Order
from apps.orders.selectors import linked_orders
from apps.orders.services.entry.canceling import order_cancel
from apps.orders.services.entry.placing import OrderDenied
from apps.orders.services.entry.replacing import order_replace
from apps.orders.services.steps.linking import order_trigger
from apps.orders.services.steps.stepping import order_lock_linked
from tests.apps.orders.stepping import intent, kinds, state

pytestmark = pytest.mark.django_db


def pair(stepped, quantity="5"):
    """Hold 5 at 100 and place a target at 110 beside a stop at 90."""
    stepped.place(kind="market", quantity="5")
    stepped.bar("100", "101", "99", "100")
    return stepped.link(
        "oco",
        intent("sell", quantity, limit_price="110", reduce_only=True),
        intent("sell", quantity, "stop", stop_price="90", reduce_only=True),
    )


def test_the_first_of_a_pair_to_fill_cancels_the_other(stepped):
    target, stop = pair(stepped)
    assert (target.status, stop.status) == ("open", "open")
    assert target.oco_group == stop.oco_group != ""
    stepped.bar("100", "111", "99", "110")
    assert state(target) == ("filled", 5, 5)
    assert state(stop) == ("canceled", 5, 0)
    assert stepped.position.quantity == 0
    assert not PaperOrder.objects.filter(status="open").exists()


def test_a_pair_shrinks_together_with_partial_fills(stepped):
    target, stop = pair(stepped)
    stepped.fill(target, "2", "110")
    stepped.settle_all()
    assert state(stop) == ("open", 3, 0)
    stepped.fill(stop, "1", "90")
    target.refresh_from_db()
    assert target.kept_quantity == 2  # 5 held: 2 by the target and 1 by the stop are gone.
    stepped.settle_all()
    assert state(target) == ("partially_filled", 4, 2)


def test_of_a_pair_at_a_venue_without_groups_the_platform_cancels_the_other(stepped, poor_venue):
    target, stop = pair(stepped)
    stepped.fill(target, "5", "110")
    stop.refresh_from_db()
    assert (stop.status, stop.reason_code) == ("open", "group_filled")
    assert stop.cancel_requested_at is not None
    stepped.settle(stop)
    assert state(stop)[0] == "canceled"


def test_at_a_venue_that_cannot_shrink_an_order_a_smaller_one_takes_its_place(stepped, poor_venue):
    target, stop = pair(stepped)
    stepped.fill(target, "2", "110")
    smaller = Order.objects.get(replaces=stop)
    assert (smaller.status, smaller.quantity, smaller.stop_price) == ("held", 3, 90)
    stepped.fill(target, "1", "110")
    assert state(smaller) == ("held", 2, 0)
    assert Order.objects.filter(replaces=stop).count() == 1
    stepped.settle(stop)
    assert state(stop)[0] == "canceled"
    assert state(smaller) == ("pending", 2, 0)
    stepped.settle(smaller)
    assert state(smaller)[0] == "open"


def test_the_target_of_a_pair_waits_at_the_platform_where_the_venue_knows_no_groups(stepped, poor_venue):
    entry = stepped.place(kind="market", quantity="5", stop_loss="90", take_profit="110")
    assert entry.order_class == "bracket"
    stepped.fill(entry, "5")
    stop, target = Order.objects.filter(parent=entry).order_by("role")
    assert (stop.status, target.status) == ("pending", "held")
    stepped.settle(stop)

    target = order_trigger(order=order_lock_linked(target.pk))
    order_trigger(order=order_lock_linked(target.pk))
    assert target.status == "held"
    assert kinds(target) == ["placed", "held", "triggered"]
    stepped.settle(stop)
    assert state(stop)[0] == "canceled"
    assert state(target)[0] == "pending"


def test_a_triggered_target_waits_for_a_stop_that_fills_after_all_and_then_goes_for_the_rest(stepped, poor_venue):
    entry = stepped.place(kind="market", quantity="5", stop_loss="90", take_profit="110")
    stepped.fill(entry, "5")
    stop, target = Order.objects.filter(parent=entry).order_by("role")
    stepped.settle(stop)
    order_trigger(order=order_lock_linked(target.pk))
    stepped.fill(stop, "2", "90")
    assert state(target) == ("held", 3, 0)
    stepped.settle(stop)
    assert state(target) == ("pending", 3, 0)


def test_a_target_whose_stop_filled_first_is_never_sent(stepped, poor_venue):
    entry = stepped.place(kind="market", quantity="5", stop_loss="90", take_profit="110")
    stepped.fill(entry, "5")
    stop, target = Order.objects.filter(parent=entry).order_by("role")
    stepped.settle(stop)
    order_trigger(order=order_lock_linked(target.pk))
    stepped.fill(stop, "5", "90")
    assert state(target)[0] == "canceled"
    assert target.submitted_at is None


def test_a_type_that_the_venue_does_not_rest_is_held_and_says_why(stepped, monkeypatch, poor_venue):
    rests = poor_venue.rests - {OrderType.STOP}
    monkeypatch.setattr(
        "apps.orders.services.holdings.protecting.traits_of", lambda _: replace(poor_venue, rests=rests)
    )
    order = stepped.place(kind="stop", quantity="5", stop_price="110")
    assert state(order)[0] == "held"
    held = order.events.get(kind="held")
    assert held.detail["waits_for"] == "its trigger: the venue does not rest stop orders of this kind"
    assert not PaperOrder.objects.exists()


def oto(stepped, quantity="5", send=True):
    """Buy 5 at 95, then sell them at 110 or stop at 90."""
    return stepped.link(
        "oto",
        intent("buy", quantity, limit_price="95"),
        intent("sell", quantity, limit_price="110", reduce_only=True),
        intent("sell", quantity, "stop", stop_price="90", reduce_only=True),
        send=send,
    )


def test_secondaries_wait_for_their_primary_and_then_go_as_a_pair(stepped):
    primary, target, stop = oto(stepped)
    assert (primary.status, target.status, stop.status) == ("open", "held", "held")
    assert [order.parent_id for order in (target, stop)] == [primary.pk, primary.pk]
    assert [how for how, _ in linked_orders(target)] == ["Waits for", "Cancels"]
    stepped.bar("100", "101", "94", "96")
    assert state(primary) == ("filled", 5, 5)
    assert (state(target)[0], state(stop)[0]) == ("open", "open")
    stepped.bar("96", "111", "95", "110")
    assert (state(target)[0], state(stop)[0]) == ("filled", "canceled")
    assert stepped.position.quantity == 0


def test_a_partly_filled_primary_lets_its_secondaries_go_at_its_end_for_what_it_filled(stepped):
    primary, target, stop = oto(stepped)
    stepped.fill(primary, "2", "95")
    assert (state(target), state(stop)) == (("held", 5, 0), ("held", 5, 0))
    order_cancel(order=primary, actor=stepped.owner)
    stepped.settle(primary)
    assert state(primary) == ("canceled", 5, 2)
    assert (state(target), state(stop)) == (("pending", 2, 0), ("pending", 2, 0))


@pytest.mark.parametrize("end", ["cancel", "expire", "reject"])
def test_secondaries_of_a_primary_that_ends_unfilled_end_with_it(end, stepped):
    primary, target, stop = oto(stepped, send=False)
    if end == "cancel":
        order_cancel(order=primary, actor=stepped.owner)
    else:
        stepped.settle(primary)
        stepped.say(primary, ReportKind.EXPIRED if end == "expire" else ReportKind.CANCELED, reason="Gone.")
    assert state(primary)[0] in ("canceled", "expired")
    for order in (target, stop):
        assert state(order) == ("canceled", 5, 0)
        assert order.reason_code == "parent_unfilled"


def test_secondaries_follow_a_primary_that_is_replaced(stepped):
    primary, target, _ = oto(stepped)
    stepped.fill(primary, "2", "95")
    replacement = order_replace(order=primary, actor=stepped.owner, limit_price=D(96)).order
    stepped.settle(primary)
    assert state(replacement) == ("pending", 3, 0)
    target.refresh_from_db()
    assert (target.status, target.parent_id) == ("held", replacement.pk)
    stepped.settle(replacement)
    stepped.fill(replacement, "3", "96")
    assert state(target) == ("pending", 5, 0)


def test_a_secondary_is_checked_when_it_goes(stepped):
    """Its portfolio may hold 10 % of 10,000 in a book: 5 at 95 and another 6 at 100 are more."""
    primary, second = stepped.link("oto", intent("buy", "6", limit_price="95"), intent("buy", "6", limit_price="100"))
    stepped.fill(primary, "6", "95")
    second.refresh_from_db()
    assert (second.status, second.reason_code) == ("denied", "max_position_size")


def test_a_list_is_denied_as_a_whole_and_kept(stepped):
    with pytest.raises(OrderDenied) as refusal:
        stepped.link(
            "oco", intent(quantity="11", limit_price="95"), intent(quantity="11", kind="stop", stop_price="110")
        )
    assert refusal.value.code == "max_position_size"
    assert set(Order.objects.values_list("status", flat=True)) == {"denied"}
    with pytest.raises(OrderDenied):
        stepped.link(
            "oto", intent(quantity="11", limit_price="95"), intent("sell", "11", limit_price="110"), client_order_id="b"
        )
    assert set(Order.objects.values_list("status", flat=True)) == {"denied"}
    assert not PaperOrder.objects.exists()


@pytest.mark.parametrize(
    ("order_class", "intents", "code"),
    [
        ("oco", [intent(limit_price="95")], "order_list_shape"),
        ("oto", [intent(limit_price="95")] * 4, "order_list_shape"),
        ("bracket", [intent(limit_price="95")] * 2, "order_list_shape"),
        ("oco", [intent(limit_price="95"), intent("sell", limit_price="105")], "order_list_mismatch"),
        ("oco", [intent(limit_price="95"), intent(quantity="4", limit_price="94")], "order_list_mismatch"),
        ("oto", [intent(limit_price="95"), intent("sell", "6", limit_price="105")], "secondary_exceeds_primary"),
        ("oto", [intent(limit_price="95"), intent("sell", limit_price="105.001")], "limit_price_off_tick"),
    ],
)
def test_a_list_that_makes_no_sense_leaves_nothing(order_class, intents, code, stepped):
    with pytest.raises(InvalidOrder) as refusal:
        stepped.link(order_class, *intents)
    assert refusal.value.code == code
    assert not Order.objects.exists()


def test_a_secondary_that_names_no_size_is_for_as_much_as_its_primary(stepped):
    primary, second = stepped.link(
        "oto", intent("buy", "0", notional="500", limit_price="95"), intent("sell", "0", limit_price="110")
    )
    assert primary.quantity == second.quantity == D("5.2631")  # 500 / 95 = 5.26315…, rounded down
    assert [event.action for event in AuditEvent.objects.filter(action="orders.linked")] == ["orders.linked"]
