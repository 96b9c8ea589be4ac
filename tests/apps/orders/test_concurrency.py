"""Orders placed at the same moment: together they pass no limit that each alone would keep, and none is doubled."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D

import pytest
from django.db import connection

from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side
from apps.orders.models import Order
from apps.orders.services.placing import OrderDenied, order_place
from apps.orders.services.repeating import ClientOrderIdReused
from tests.builders import make_candles_rows, make_instrument, make_portfolio

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls):
    """Make the calls in threads of their own; return what each gave or raised."""

    def guarded(call):
        try:
            return call()
        except (OrderDenied, ClientOrderIdReused) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(guarded, calls))


@pytest.fixture
def place(seeded_roles, trader):
    instrument = make_instrument()
    make_candles_rows(instrument, [100])
    portfolios = [make_portfolio(trader, name=name) for name in ("One", "Two")]

    def call(quantity, client_order_id=None, portfolio=0):
        return order_place(
            portfolio=portfolios[portfolio],
            instrument=instrument,
            intent=OrderIntent(Side.BUY, OrderType.MARKET, D(quantity)),
            actor=trader,
            client_order_id=client_order_id,
        )

    return call


def test_orders_at_once_share_the_limit(place):
    """10 % of 10,000 is room for one order of 600, however many come together."""
    results = at_once([lambda: place(6)] * 6)
    assert sum(isinstance(result, OrderDenied) for result in results) == 5
    assert sorted(Order.objects.values_list("status", flat=True)) == ["denied"] * 5 + ["pending"]


def test_the_same_order_sent_at_once_is_one_order(place):
    results = at_once([lambda: place(2, "same")] * 6)
    assert len({result.order.pk for result in results}) == 1
    assert sum(result.is_new for result in results) == 1
    assert Order.objects.count() == 1


def test_one_client_order_id_for_two_portfolios_at_once_is_taken_by_one_of_them(place):
    results = at_once([lambda: place(2, "same", 0), lambda: place(2, "same", 1)])
    assert sum(isinstance(result, ClientOrderIdReused) for result in results) == 1
    assert Order.objects.count() == 1
