"""Sending what waits for paper venues, by one worker at a time as long as there is more."""

from __future__ import annotations

import time
import uuid

from algotrendy.trading.orders import OrderStatus
from apps.brokers.models import BrokerKind
from apps.common.jobs import enqueue, enqueue_once, task_begins, task_goes_on
from apps.orders.selectors import unsettled
from apps.orders.services.venue.sending import orders_send, orders_waiting
from apps.orders.services.venue.settling import order_settle, orders_each_settle

TIME_BUDGET = 0.25
"""Seconds after which a sender that still finds orders leaves the rest to a new task, behind the candles that wait."""


def waiting_send() -> int:
    """Send everything that waits for paper venues, until nothing does any more; return how many orders there were.

    Meanwhile no other sender is asked for: what is committed while one batch is sent is the next, however many workers
    there are. The last look comes after others may be asked for again, so that no order waits unseen.
    """
    seen, deadline = set[uuid.UUID](), time.monotonic() + TIME_BUDGET
    while _next_send(seen) and time.monotonic() < deadline:
        task_goes_on("orders.send")
    task_begins("orders.send")
    if _next_send(seen):
        enqueue_once("orders.send")
    return len(seen)


def waiting_settle(*, order_id: uuid.UUID) -> None:
    """Settle an order with its paper venue, and send with it whatever else waits for one by now.

    One at an exchange waits for it in another queue. Who asks for an order that another has sent finds nothing to do.
    """
    status, kind = unsettled(order_id) or (None, None)
    if status is None:
        return
    if kind != BrokerKind.PAPER:
        enqueue("orders.settle_at_exchange", str(order_id))
        return
    together = dict.fromkeys([order_id, *orders_waiting()]) if status == OrderStatus.PENDING else ()
    if order_id not in orders_send(together):
        order_settle(order_id=order_id)


def _next_send(seen: set[uuid.UUID]) -> bool:
    """Send what waits and was not tried yet; return whether there was anything."""
    ids = [order_id for order_id in orders_waiting() if order_id not in seen]
    seen.update(ids)
    sent = orders_send(ids)
    orders_each_settle(order_id for order_id in ids if order_id not in sent)
    return bool(ids)
