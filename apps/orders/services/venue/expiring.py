"""Day and good-till-date orders at exchanges, which keep none: the platform ends them when their time is over."""

from __future__ import annotations

import uuid

import structlog
from django.db import transaction
from django.utils import timezone

from algotrendy.trading.orders import OrderStatus
from apps.brokers.models import BrokerKind
from apps.common.jobs import enqueue
from apps.orders.models import Order
from apps.orders.selectors import working_orders
from apps.orders.services.holdings.protecting import order_cancel_request
from apps.orders.services.steps.stepping import order_lock_linked, order_step

log = structlog.get_logger(__name__)
EXPIRED = "expired"
"""The reason code of an order that is asked to end because its time is over: it ends as expired."""


def orders_expire() -> int:
    """Ask for the end of every working order at an exchange whose time is over; return how many there were.

    The paper venue ends its own, by the market's time.
    """
    due = working_orders().filter(expires_at__lte=timezone.now(), cancel_requested_at=None)
    due = due.exclude(portfolio__connection__kind=BrokerKind.PAPER).order_by("expires_at", "id")
    return sum(_expire(order_id) for order_id in list(due.values_list("pk", flat=True)))


@transaction.atomic
def _expire(order_id: uuid.UUID) -> bool:
    order = order_lock_linked(order_id)
    if not OrderStatus(order.status).is_working or order.cancel_requested_at is not None or order.expires_at is None:
        return False
    reason = f"Its time was over at {order.expires_at:%Y-%m-%d %H:%M:%S} UTC."
    if order.status == OrderStatus.HELD:
        order_step(order=order, kind=EXPIRED, to=OrderStatus.EXPIRED, reason_code=EXPIRED, reason=reason)
    else:
        order_cancel_request(order=order, code=EXPIRED, reason=reason)
        enqueue("orders.settle", str(order.pk))
    log.info("order_expired", order=str(order.pk))
    return True


def ended_as(order: Order, status: OrderStatus) -> OrderStatus:
    """Return what an order ends as whose cancel the venue has confirmed."""
    is_over = status is OrderStatus.CANCELED and order.reason_code == EXPIRED
    return OrderStatus.EXPIRED if is_over else status
