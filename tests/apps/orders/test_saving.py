"""A step of an order writes what it changed, and nothing that another has changed meanwhile."""

from __future__ import annotations

from decimal import Decimal

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from algotrendy.trading.orders import OrderStatus
from apps.orders.models import Order
from apps.orders.services.steps import order_lock, order_step
from tests.builders import make_order
from tests.conftest import Desk


def test_a_step_writes_only_the_columns_that_it_changed(desk: Desk) -> None:
    order_id = make_order(desk.portfolio).pk
    with transaction.atomic():
        order = order_lock(order_id)
        order.filled_quantity = Decimal("0.5")
        with CaptureQueriesContext(connection) as queries:
            order_step(order=order, kind="filled", to=OrderStatus.PARTIALLY_FILLED)
    (update,) = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    written = {part.split('"')[1] for part in update.split(" SET ")[1].split(" WHERE ")[0].split(", ")}
    assert written == {"filled_quantity", "status", "version", "updated_at"}
    stored = Order.objects.get(pk=order_id)
    assert (stored.filled_quantity, stored.status, stored.version) == (Decimal("0.5"), "partially_filled", 1)


def test_a_value_that_is_set_and_set_back_is_written_both_times(desk: Desk) -> None:
    order_id = make_order(desk.portfolio).pk
    with transaction.atomic():
        order = order_lock(order_id)
        order.requested_quantity = Decimal("0.5")
        order_step(order=order, kind="reduce_requested")
        assert Order.objects.get(pk=order_id).requested_quantity == Decimal("0.5")
        order.requested_quantity = None
        order_step(order=order, kind="reduced")
    assert Order.objects.get(pk=order_id).requested_quantity is None


def test_what_a_rolled_back_transaction_wrote_is_written_again(desk: Desk) -> None:
    order = Order.objects.select_related("portfolio", "instrument").get(pk=make_order(desk.portfolio).pk)
    with transaction.atomic():
        order.exchange_order_id = "venue-1"
        order_step(order=order, kind="accepted")
        transaction.set_rollback(True)
    assert Order.objects.get(pk=order.pk).exchange_order_id == ""
    order.version = 0
    with transaction.atomic():
        order_step(order=order, kind="accepted")
    assert Order.objects.get(pk=order.pk).exchange_order_id == "venue-1"


def test_a_row_that_was_read_again_is_written_whole(desk: Desk) -> None:
    order = Order.objects.select_related("portfolio", "instrument").get(pk=make_order(desk.portfolio).pk)
    Order.objects.filter(pk=order.pk).update(reason="elsewhere")
    order.refresh_from_db()
    order.reason = ""
    with transaction.atomic():
        order_step(order=order, kind="noted")
    assert Order.objects.get(pk=order.pk).reason == ""
