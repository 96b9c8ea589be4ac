"""The order ticket and the replacement dialog: what they say, what they keep, and that a double click is one order."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from apps.orders.models import Order
from tests.builders import make_order, make_position
from tests.conftest import Desk

TICKET = "/admin/orders/order/new_order/"


@pytest.fixture
def console(desk: Desk) -> Client:
    client = Client()
    client.force_login(desk.owner)
    return client


@pytest.fixture
def send(desk: Desk, console: Client) -> Callable[..., Any]:
    """Return a function that sends a ticket for 2 BTC at 95 as a limit order, or what the arguments make of it."""

    def post(**changes: object) -> Any:
        body = {
            "_form_submitted": "on", "portfolio": str(desk.portfolio.pk), "instrument": str(desk.instrument.pk),
            "side": "buy", "type": "limit", "size": "2", "size_by": "quantity", "limit_price": "95", "trail_by": "percent",
            "time_in_force": "gtc", "client_order_id": "ticket-1", **changes,
        }  # fmt: skip
        return console.post(TICKET, body, headers={"HX-Request": "true"})

    return post


def words(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_each_ticket_carries_an_id_of_its_own(console: Client) -> None:
    pages = [console.get(TICKET).content.decode() for _ in "ab"]
    ids = [re.findall(r'name="client_order_id" value="(ticket-\w+)"', page) for page in pages]
    assert [len(found) for found in ids] == [1, 1]
    assert ids[0] != ids[1]


def test_a_ticket_says_what_the_order_comes_to_and_places_nothing(send: Callable[..., Any]) -> None:
    said = words(send(ask="1", stop_loss="90"))
    assert "Buy 2.0000 BTC/USD at 95.00 or better, until it is filled or canceled, protected by stop 90.00." in said
    assert "Worth about 190.00 USD" in said
    assert "Position 0.0000 → 2.0000" in said
    assert "A position may be worth 1,000.00 USD" in said
    assert not Order.objects.exists()


def test_a_ticket_sent_twice_places_one_order(send: Callable[..., Any]) -> None:
    for _ in range(2):
        assert send().headers["HX-Redirect"] == "/admin/orders/order/"
    order = Order.objects.get()
    assert (order.client_order_id, order.quantity, order.limit_price, order.role) == ("ticket-1", 2, 95, "manual")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"size": "11"}, "The position's value, 1,045.00, would pass 10 % of equity, 1,000.00."),
        ({"limit_price": "95.001"}, "The limit price 95.001 is too precise"),
        ({"limit_price": ""}, "This type of order needs it."),
        ({"stop_loss": "96"}, "The stop loss of a buy must be below 95, not 96."),
        ({"reduce_only": "on"}, "would do more than close the 0 held."),
        ({"time_in_force": "gtd"}, "Say until when."),
    ],
)
def test_a_refusal_is_said_in_place_and_keeps_what_was_typed(
    changes: dict[str, str], sentence: str, send: Callable[..., Any]
) -> None:
    response = send(**changes)
    assert sentence in words(response).replace("&#x27;", "'")
    assert f'value="{changes.get("size", "2")}"' in response.content.decode()
    assert "HX-Redirect" not in response.headers
    assert not Order.objects.exists()


def test_fields_that_the_type_does_not_show_are_left_out(send: Callable[..., Any], desk: Desk) -> None:
    make_position(desk.portfolio, quantity=Decimal(3))
    changes = {
        "type": "market",
        "side": "sell",
        "size": "200",
        "size_by": "value",
        "post_only": "on",
        "stop_loss": "120",
    }
    assert "HX-Redirect" in send(**changes, reduce_only="on").headers
    order = Order.objects.get()
    assert (order.type, order.limit_price, order.post_only, order.stop_loss) == ("market", None, False, None)
    assert (order.notional, order.quantity, order.reduce_only) == (200, 2, True)


def test_an_order_is_replaced_by_its_dialog(console: Client, desk: Desk) -> None:
    order = make_order(desk.portfolio)
    place = f"/admin/orders/order/{order.pk}/replace_order/"
    shown = console.get(place).content.decode()
    assert 'name="quantity" value="1"' in shown
    assert 'name="limit_price" value="100"' in shown
    assert 'name="stop_price"' not in shown
    body = {"_form_submitted": "on", "quantity": "1", "limit_price": "99.001", "client_order_id": "replace-1"}
    assert "too precise" in words(console.post(place, body))
    assert "Say what is to be different" in words(console.post(place, {**body, "limit_price": "100"}))
    for _ in range(2):
        console.post(place, {**body, "limit_price": "99"})
    successor = Order.objects.get(replaces=order)
    assert (successor.client_order_id, successor.limit_price, successor.status) == ("replace-1", 99, "held")


def test_a_finished_order_offers_no_replacement(console: Client, desk: Desk) -> None:
    order = make_order(desk.portfolio, status="canceled")
    shown = words(console.get(f"/admin/orders/order/{order.pk}/replace_order/"))
    assert "The order is canceled: nothing is left to replace." in shown
    assert "Replace order" not in shown.replace("Replace this order", "")


def test_an_orders_page_shows_what_is_linked_with_it(console: Client, desk: Desk) -> None:
    first = make_order(desk.portfolio, oco_group="pair", order_class="oco")
    second = make_order(desk.portfolio, oco_group="pair", order_class="oco")
    old = make_order(desk.portfolio, status="canceled")
    Order.objects.filter(pk=first.pk).update(replaces=old)
    page = console.get(f"/admin/orders/order/{first.pk}/change/").content.decode()
    for word, other in (("Cancels", second), ("Replaces", old)):
        assert word in page
        assert f"/admin/orders/order/{other.pk}/change/" in page
    assert (
        "Linked orders"
        not in console.get(f"/admin/orders/order/{make_order(desk.portfolio).pk}/change/").content.decode()
    )
