"""The same request again is answered with the first order; another under its id is refused."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from algotrendy.trading.values import TimeInForce
from apps.orders.models import Order
from apps.orders.services.entry.placing import OrderDenied
from apps.orders.services.entry.repeating import ClientOrderIdReused
from tests.apps.orders.stepping import intent
from tests.builders import MARKET_TIME, make_candles_rows

pytestmark = pytest.mark.django_db
GTD = {"time_in_force": TimeInForce.GTD, "expires_at": MARKET_TIME + timedelta(days=1)}


@pytest.mark.parametrize(
    ("body", "change"),
    [
        ({"limit_price": "95"}, {"limit_price": "96"}),
        ({"limit_price": "95"}, {"quantity": "4"}),
        ({"limit_price": "95"}, {"side": "sell"}),
        ({"limit_price": "95"}, {"stop_loss": "90"}),
        ({"limit_price": "95"}, {"take_profit": "110"}),
        ({"limit_price": "95"}, {"post_only": True}),
        ({"limit_price": "95"}, {"time_in_force": TimeInForce.DAY}),
        ({"limit_price": "95"}, {"quantity": "0", "notional": "475"}),
        ({"limit_price": "95", "quantity": "0", "notional": "475"}, {"notional": "470"}),
        ({"limit_price": "95", "quantity": "0", "notional": "475"}, {"quantity": "5", "notional": None}),
        ({"limit_price": "95", **GTD}, {"expires_at": MARKET_TIME + timedelta(days=2)}),
    ],
)
def test_any_change_of_the_body_is_refused(body, change, stepped):
    first = stepped.place(client_order_id="once", **body)
    assert stepped.place(client_order_id="once", **body).pk == first.pk
    changed = {name: value for name, value in {**body, **change}.items() if value is not None}
    with pytest.raises(ClientOrderIdReused):
        stepped.place(client_order_id="once", **changed)
    assert Order.objects.count() == 1


def test_a_notional_is_compared_as_it_was_asked_whatever_the_price_is_by_now(stepped):
    first = stepped.place(kind="market", quantity="0", notional="500", client_order_id="once")
    assert (first.quantity, first.notional) == (D(5), D(500))
    make_candles_rows(stepped.instrument, [125], start=MARKET_TIME)
    again = stepped.place(kind="market", quantity="0", notional="500.00", client_order_id="once")
    assert again.pk == first.pk


def test_an_order_that_has_shrunk_since_is_still_the_same_order(stepped):
    first = stepped.place(limit_price="95", client_order_id="once")
    Order.objects.filter(pk=first.pk).update(quantity=D(3))
    assert stepped.place(limit_price="95", client_order_id="once").pk == first.pk
    with pytest.raises(ClientOrderIdReused):
        stepped.place(limit_price="95", quantity="3", client_order_id="once")


def test_a_denied_order_is_denied_again_by_the_same_words(stepped):
    for _ in range(2):
        with pytest.raises(OrderDenied) as refusal:
            stepped.place(kind="market", quantity="11", client_order_id="once")
        assert refusal.value.code == "max_position_size"
    assert Order.objects.count() == 1


def test_a_list_again_is_the_first_list(stepped):
    legs = (intent(limit_price="95"), intent("sell", limit_price="110"))
    first = stepped.link("oto", *legs)
    stepped.settle_all()
    assert [order.pk for order in stepped.link("oto", *legs)] == [order.pk for order in first]
    without_size = (legs[0], intent("sell", "0", limit_price="110"))
    assert [order.pk for order in stepped.link("oto", *without_size)] == [order.pk for order in first]
    assert Order.objects.count() == 2


@pytest.mark.parametrize(
    ("order_class", "legs"),
    [
        ("oto", [intent(limit_price="95"), intent("sell", limit_price="111")]),
        ("oto", [intent(limit_price="95"), intent("sell", "4", limit_price="110")]),
        ("oto", [intent(limit_price="95"), intent("sell", limit_price="110"), intent("sell", limit_price="120")]),
        ("oco", [intent(limit_price="95"), intent(limit_price="90")]),
    ],
)
def test_another_list_under_its_id_is_refused(order_class, legs, stepped):
    stepped.link("oto", intent(limit_price="95"), intent("sell", limit_price="110"))
    with pytest.raises(ClientOrderIdReused):
        stepped.link(order_class, *legs)
    assert Order.objects.count() == 2


def test_a_shorter_list_and_a_single_order_are_other_requests(stepped):
    legs = [intent(limit_price="95"), intent("sell", limit_price="110"), intent("sell", limit_price="120")]
    stepped.link("oto", *legs)
    with pytest.raises(ClientOrderIdReused):
        stepped.link("oto", *legs[:2])
    with pytest.raises(ClientOrderIdReused):
        stepped.place(limit_price="95", client_order_id="list-1")
