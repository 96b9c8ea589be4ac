"""Orders at an exchange that last until a time: the exchange keeps them until canceled, the platform ends them."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.utils import timezone

from algotrendy.trading.values import TimeInForce
from apps.orders.models import Order
from apps.orders.services.venue.expiring import orders_expire
from tests.apps.orders.exchange_desk import PAIR, ExchangeDesk

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(exchange_desk: ExchangeDesk) -> Order:
    at = timezone.now() + timedelta(hours=1)
    return exchange_desk.place(time_in_force=TimeInForce.GTD, expires_at=at)


def over(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def test_an_order_ends_as_expired_when_its_time_is_over(exchange_desk: ExchangeDesk, order: Order) -> None:
    assert (order.status, exchange_desk.orders_at_venue()[0].status) == ("open", "NEW")
    assert orders_expire() == 0
    over(order)
    assert (orders_expire(), orders_expire()) == (1, 0)
    order = exchange_desk.settle(order)
    assert (order.status, order.reason_code) == ("expired", "expired")
    assert order.reason.startswith("Its time was over at ")
    assert exchange_desk.orders_at_venue()[0].status == "CANCELED"


def test_a_fill_that_was_quicker_counts(exchange_desk: ExchangeDesk, order: Order) -> None:
    over(order)
    orders_expire()
    exchange_desk.venue.set_price(PAIR, 90)
    order = exchange_desk.settle(order)
    assert (order.status, order.filled_quantity) == ("filled", order.quantity)


def test_an_order_that_waits_is_never_sent_after_its_time(exchange_desk: ExchangeDesk) -> None:
    at = timezone.now() + timedelta(hours=1)
    order = exchange_desk.place(
        kind="trailing_stop", side="sell", trail_percent=D("5"), time_in_force=TimeInForce.GTD, expires_at=at
    )
    assert order.status == "held"
    over(order)
    assert orders_expire() == 1
    assert exchange_desk.settle(order).status == "expired"
    assert exchange_desk.orders_at_venue() == []
