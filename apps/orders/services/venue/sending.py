"""Sending to paper venues what waits for them, many orders at a time.

A paper venue's book is in the platform's own database: that an order is sent, taken in and acknowledged is one
transaction, whose cost the orders of a moment share. Whatever is not that simple (a halt that covers the order, a
venue that refuses it, a row that another holds) is left as it is, to be settled by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable

import structlog
from django.db import transaction
from django.db.models import QuerySet

from algotrendy.trading.broker import VenueOrder
from algotrendy.trading.orders import OrderStatus
from apps.brokers.adapters.paper import paper_submit
from apps.brokers.live import LiveRefused, require_may_trade
from apps.brokers.metrics import counted
from apps.brokers.models import BrokerKind
from apps.common.correlation import correlated
from apps.common.gathering import gathered, rows_keep
from apps.common.prepared import Given, Prepared
from apps.orders.models import Order, OrderEvent
from apps.orders.selectors import working_orders
from apps.orders.services.entry.halting import SENT_ANYWAY
from apps.orders.services.steps.stepping import order_step
from apps.orders.services.venue.requesting import request_of
from apps.portfolio.halting import is_any_halted

log = structlog.get_logger(__name__)
AT_ONCE = 200
"""How many orders are sent in one transaction at most."""


def orders_waiting() -> list[uuid.UUID]:
    """Return which orders wait to be sent to paper venues, the oldest first, as many as are sent at once."""
    return [order_id for (order_id,) in _WAITING()]


def orders_send(order_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Send those of the orders that simply wait for their paper venue; return which were sent.

    Where one of them fails, none is: each is then settled by itself, so that none holds up another.
    """
    ids, sent = list(order_ids), set[uuid.UUID]()
    for start in range(0, len(ids), AT_ONCE):
        try:
            sent |= _send(ids[start : start + AT_ONCE])
        except Exception:
            log.exception("orders_not_sent_together", count=len(ids))
    return sent


def _waiting() -> QuerySet[Order]:
    rows = working_orders().filter(status=OrderStatus.PENDING, portfolio__connection__kind=BrokerKind.PAPER)
    return rows.filter(cancel_requested_at=None, requested_quantity=None)


def _taken() -> QuerySet[Order]:
    rows = _waiting().filter(pk__any=Given("ids")).select_for_update(of=("self",), skip_locked=True)
    return rows.select_related("portfolio__connection", "instrument", "strategy").order_by("created_at", "id")


_WAITING = Prepared(lambda: _waiting().order_by("created_at", "id").values_list("pk")[:AT_ONCE])
_TAKEN = Prepared(_taken)
_PLACED = Prepared(
    lambda: (
        OrderEvent.objects.filter(order__any=Given("ids"), kind="placed")
        .order_by()
        .values_list("order_id", "correlation_id")
    )
)
"""The orders' ids with the correlation ids of the requests that asked for them."""


@transaction.atomic
def _send(order_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    with gathered():
        orders = _free(_TAKEN(ids=list(order_ids)))
        rows_keep(orders)
        with counted(BrokerKind.PAPER, "submit_orders"):
            sent = [(order.portfolio.connection, order.instrument, request_of(order)) for order in orders]
            answers = paper_submit(sent)
        taken = {
            order: answer
            for order, answer in zip(orders, answers, strict=True)
            if isinstance(answer, VenueOrder) and answer.status is OrderStatus.OPEN
        }
        asked_by = dict(_PLACED(ids=[order.pk for order in taken])) if taken else {}
        for order, answer in taken.items():
            with correlated(asked_by.get(order.pk, "")):
                _acknowledge(order, answer)
        return {order.pk for order in taken}


def _free(orders: list[Order]) -> list[Order]:
    """Return those of the orders that neither a halt nor their connection can hold back."""
    is_halted = bool(orders) and is_any_halted()
    return [order for order in orders if _may_trade(order) and not (is_halted and _can_be_halted(order))]


def _may_trade(order: Order) -> bool:
    try:
        require_may_trade(order.portfolio.connection)
    except LiveRefused:
        return False
    return True


def _can_be_halted(order: Order) -> bool:
    return not order.portfolio.is_simulation and order.role not in SENT_ANYWAY


def _acknowledge(order: Order, venue_order: VenueOrder) -> None:
    order_step(order=order, kind="submitted", to=OrderStatus.SUBMITTED)
    order.exchange_order_id = venue_order.exchange_order_id
    detail = {"exchange_order_id": order.exchange_order_id}
    order_step(order=order, kind="accepted", to=OrderStatus.OPEN, detail=detail)
