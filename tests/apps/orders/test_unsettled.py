"""Which orders their venue has yet to be told of: the database's word and a row's own are one."""

from itertools import product

import pytest
from django.utils import timezone

from algotrendy.trading.orders import WORKING, OrderStatus
from apps.orders.models import Order
from apps.orders.selectors import UNSETTLED, is_unsettled, working_orders
from tests.builders import make_order, make_portfolio

pytestmark = pytest.mark.django_db


def test_a_row_and_the_database_say_the_same_of_every_order(trader):
    portfolio, now = make_portfolio(trader), timezone.now()
    for status, asked_at, wanted in product(OrderStatus, (None, now), (None, 1)):
        make_order(portfolio, status=status, cancel_requested_at=asked_at, requested_quantity=wanted)
    found = set(working_orders().filter(UNSETTLED))
    assert found == {order for order in Order.objects.all() if is_unsettled(order)}
    # Three of four are asked for something; of those that are sent, or on their way, the fourth is unsettled too.
    assert len(found) == 3 * len(WORKING) + 2
