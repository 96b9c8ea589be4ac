"""Orders of which their venue has never heard: kept for as long as they may still arrive there, then given up."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from algotrendy.trading.broker import BrokerGateway
from algotrendy.trading.errors import BrokerRejected
from algotrendy.trading.orders import OrderStatus
from apps.alerts.models import Severity
from apps.common.jobs import enqueue
from apps.orders import metrics
from apps.orders.models import Order
from apps.orders.selectors import PROTECTIVE
from apps.orders.services.steps.notices import order_notice
from apps.orders.services.steps.stepping import order_begin, order_lock_linked, order_step
from apps.orders.services.venue.truth import venue_order_apply

log = structlog.get_logger(__name__)
UNKNOWN = "unknown_at_venue"
APART = timedelta(seconds=1)
"""How far two answers must be apart to count as two."""
RECOMMITS = 3
"""How often in a row a protective order is committed anew."""
RECOMMIT_KEY = "recommitted"


def order_unknown(*, order: Order, gateway: BrokerGateway, asked_at: datetime) -> Order:
    """Take the venue's word that it has never seen the order; give it up once that is proved.

    Proved it is when the venue has said so twice, the last time after the proof window, and has no order to cancel.
    Raises BrokerUnavailable.
    """
    if not _note(order.pk, asked_at):
        return order
    try:
        venue_order = gateway.cancel_order(order.client_order_id, order.instrument.symbol)
    except BrokerRejected:
        return _give_up(order.pk)
    return venue_order_apply(order=order, venue_order=venue_order, gateway=gateway)


@transaction.atomic
def _note(order_id: uuid.UUID, asked_at: datetime) -> bool:
    """Write down the venue's answer; tell whether it proves that the order is not there."""
    order = order_lock_linked(order_id)
    if not OrderStatus(order.status).is_working or order.status in (OrderStatus.HELD, OrderStatus.PENDING):
        return False
    if order.unknown_since is None:
        order.unknown_since = asked_at
        order_step(order=order, kind="unknown", detail={"since": asked_at.isoformat()})
        return False
    since = order.submitted_at if order.status == OrderStatus.SUBMITTED else order.unknown_since
    window = timedelta(seconds=settings.ORDER_PROOF_SECONDS)
    order.synced_at = timezone.now()
    order.save(update_fields=["synced_at", "updated_at"])
    return asked_at - order.unknown_since >= APART and asked_at - (since or order.unknown_since) >= window


@transaction.atomic
def _give_up(order_id: uuid.UUID) -> Order:
    """End an order that is proved not to be at the venue, and put another in the place of one that protects."""
    order = order_lock_linked(order_id)
    if not OrderStatus(order.status).is_working or order.unknown_since is None:
        return order
    was_taken = order.status != OrderStatus.SUBMITTED
    to = OrderStatus.CANCELED if was_taken else OrderStatus.REJECTED
    waited = (timezone.now() - (order.submitted_at or order.unknown_since)).total_seconds()
    reason = f"The venue has not heard of it: it said so again {waited:.0f} s after it was sent."
    if was_taken:
        reason = "The venue, which had taken it, does not know it any more."
    else:
        metrics.count_rejected(UNKNOWN)
    order = order_step(order=order, kind="given_up", to=to, reason_code=UNKNOWN, reason=reason)
    log.warning("order_given_up", order=str(order.pk), status=order.status)
    order_notice(order, f"{order.summary}: {reason}")
    if order.role in PROTECTIVE and order.reduce_only:
        _recommit(order)
    return order


def _recommit(order: Order) -> None:
    """Commit a protective order again under a new id: the position must not stay unprotected."""
    if Order.objects.filter(replaces=order).exists():
        return  # One was waiting for its end already.
    tries = int(order.metadata.get(RECOMMIT_KEY, 0)) + 1
    if tries > RECOMMITS:
        order_notice(
            order,
            f"The position has no {order.get_role_display().lower()}: the venue did not take it {tries} times. "
            "Close the position or protect it by hand.",
            Severity.CRITICAL,
        )
        return
    values = {
        field.attname: getattr(order, field.attname)
        for field in Order._meta.concrete_fields
        if field.name not in _NOT_COPIED
    }
    remaining = order.remaining_quantity
    again = Order(
        **values,
        client_order_id=f"{order.pk.hex}-{tries}",
        replaces=order,
        quantity=remaining,
        status=OrderStatus.PENDING,
        metadata={**order.metadata, RECOMMIT_KEY: tries},
    )
    order_begin(order=again, detail={"replaces": str(order.pk), "because": UNKNOWN})
    metrics.count_order(again)
    enqueue("orders.settle", str(again.pk))


_NOT_COPIED = {
    "id", "created_at", "updated_at", "client_order_id", "exchange_order_id", "status", "quantity", "filled_quantity",
    "filled_value", "average_fill_price", "fees_paid", "reason_code", "reason", "requested_quantity",
    "cancel_requested_at", "submitted_at", "closed_at", "version", "replaces", "unknown_since", "synced_at", "signal",
    "metadata",
}  # fmt: skip
