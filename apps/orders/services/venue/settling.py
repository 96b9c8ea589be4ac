"""Settling with the venue: what is committed here is told there, and asked about before it is told again."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from algotrendy.trading.broker import BrokerGateway
from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.risk import Denied
from apps.alerts.models import Severity
from apps.brokers.models import BrokerKind
from apps.brokers.selectors import gateway_of, traits_of
from apps.common.jobs import enqueue
from apps.orders import metrics
from apps.orders.models import Order
from apps.orders.selectors import PROTECTIVE, UNSETTLED, working_orders
from apps.orders.services.entry.placing import order_deny
from apps.orders.services.steps.notices import order_notice
from apps.orders.services.steps.stepping import order_lock, order_lock_linked, order_step
from apps.orders.services.venue.freeing import holding_is_tied
from apps.orders.services.venue.guarding import SendDenied, require_sendable
from apps.orders.services.venue.locking import SWEEPING, connection_lock
from apps.orders.services.venue.requesting import request_of
from apps.orders.services.venue.sending import orders_send
from apps.orders.services.venue.truth import venue_order_apply
from apps.orders.services.venue.unknown import order_unknown

log = structlog.get_logger(__name__)
STRAY_AFTER = timedelta(seconds=2)
ASK_AGAIN_AFTER = 2.0
"""Seconds after which a venue that gave no definite answer is asked first."""
PATIENCE = 3
"""After how many silences in a row of strays a venue is left alone until the next sweep."""


def orders_settle(orders: Collection[Order], *, is_apart: bool = False) -> int:
    """Settle orders with paper venues, those that simply wait to be sent together; return how many there were.

    With `is_apart` one whose handling fails is left for the sweep, and the others go on.
    """
    sent = orders_send(order.pk for order in orders if order.status == OrderStatus.PENDING)
    left = [order.pk for order in orders if order.pk not in sent]
    if is_apart:
        orders_each_settle(left)
    else:
        for order_id in left:
            order_settle(order_id=order_id)
    return len(orders)


def orders_each_settle(order_ids: Iterable[uuid.UUID]) -> int:
    """Settle orders one by one; one that fails does not hold up the others. Return how many there were.

    A venue that stays silent `PATIENCE` times is left for later, with those that are left.
    """
    count, failures = 0, 0
    for count, order_id in enumerate(order_ids, start=1):  # noqa: B007
        try:
            _settle(order_id)
        except BrokerUnavailable as error:
            log.warning("venue_unavailable", order=str(order_id), error=error.message)
            failures += 1
        except Exception:
            log.exception("order_not_settled", order=str(order_id))
        if failures == PATIENCE:
            break
    return count


def strays() -> QuerySet[Order]:
    """Return the orders that a lost task, a killed worker or a venue's silence left behind, oldest first."""
    before = timezone.now() - STRAY_AFTER
    return (
        working_orders()
        .filter(UNSETTLED, updated_at__lt=before)
        .exclude(status=OrderStatus.HELD)
        .order_by("created_at", "id")
    )


def strays_settle(*, connection_id: uuid.UUID | None = None, is_sending: bool = True) -> int:
    """Settle the strays, of all simulated venues or of one connection; return how many there were.

    Without `is_sending` those that were never sent stay so. One whose handling fails does not hold up the others; a
    venue that does not answer is left for later.
    """
    if connection_id is None:
        return _strays_settle(strays().filter(portfolio__connection__kind=BrokerKind.PAPER))
    rows = strays().filter(portfolio__connection=connection_id)
    if not is_sending:
        rows = rows.exclude(status=OrderStatus.PENDING)
    with connection_lock(SWEEPING, connection_id) as is_ours:
        return _strays_settle(rows) if is_ours else 0


def _strays_settle(rows: QuerySet[Order]) -> int:
    return orders_each_settle(list(rows.values_list("pk", flat=True)))


def stray_connections() -> list[uuid.UUID]:
    """Return the connections of real venues that have strays."""
    rows = strays().exclude(portfolio__connection__kind=BrokerKind.PAPER).order_by()
    return list(rows.values_list("portfolio__connection", flat=True).distinct())


def order_settle(*, order_id: uuid.UUID) -> Order:
    """Bring the venue in line with what was committed: send, resolve, cancel or reduce; any number of times.

    Where the venue gives no definite answer the order stays as it is, to be asked about again.
    """
    try:
        return _settle(order_id)
    except BrokerUnavailable as error:
        log.warning("venue_unavailable", order=str(order_id), error=error.message)
    return Order.objects.select_related("portfolio__connection", "instrument", "strategy").get(pk=order_id)


def _settle(order_id: uuid.UUID) -> Order:
    try:
        order, is_fresh = _claim(order_id)
    except SendDenied as denied:
        return _denied(order_id, denied)
    if order.status == OrderStatus.PENDING:
        return order if order.cancel_requested_at is None else _dropped(order_id)
    gateway = gateway_of(order.portfolio.connection)
    if is_fresh:
        order = _send_first(order, gateway)
    elif order.status == OrderStatus.SUBMITTED:
        order = _ask(order, gateway)
    if _is_told(order) and order.cancel_requested_at is not None:
        order = _cancel(order, gateway)
    if _is_told(order) and order.requested_quantity is not None and gateway.traits.reduces:
        order = _reduce(order, gateway)
    return order


def _is_told(order: Order) -> bool:
    """Tell whether the venue has, or may have, the order at work."""
    return OrderStatus(order.status).is_working and order.status not in (OrderStatus.HELD, OrderStatus.PENDING)


def _claim(order_id: uuid.UUID) -> tuple[Order, bool]:
    """Take a pending order for sending; tell whether this call took it.

    It stays pending where it was canceled meanwhile, where its venue is to be compared with the platform first, and
    where other orders tie up what it is to sell.
    What has changed since it was committed counts: raises SendDenied where a guard holds it back.
    """
    with transaction.atomic():
        order = order_lock(order_id)
        if order.status != OrderStatus.PENDING or order.cancel_requested_at is not None:
            return order, False
        if traits_of(order.portfolio.connection).is_simulated:
            return _claimed(order)
    from apps.orders.services.reconciling import connection_is_ready  # Which itself settles orders.

    if not connection_is_ready(order.portfolio.connection) or holding_is_tied(order):
        return order, False
    with transaction.atomic():
        order = order_lock(order_id)
        if order.status != OrderStatus.PENDING or order.cancel_requested_at is not None:
            return order, False
        return _claimed(order)


def _claimed(order: Order) -> tuple[Order, bool]:
    require_sendable(order)
    return order_step(order=order, kind="submitted", to=OrderStatus.SUBMITTED), True


@transaction.atomic
def _dropped(order_id: uuid.UUID) -> Order:
    order = order_lock_linked(order_id)
    if order.status != OrderStatus.PENDING:
        return order
    return order_step(order=order, kind="canceled", to=OrderStatus.CANCELED)


@transaction.atomic
def _denied(order_id: uuid.UUID, denied: SendDenied) -> Order:
    order = order_lock_linked(order_id)
    if order.status != OrderStatus.PENDING:
        return order
    return order_deny(order=order, denied=Denied(denied.code, denied.message, denied.figures))


def _send_first(order: Order, gateway: BrokerGateway) -> Order:
    try:
        return _send(order, gateway)
    except BrokerUnavailable:
        enqueue("orders.settle", str(order.pk), countdown=ASK_AGAIN_AFTER)
        raise


def _send(order: Order, gateway: BrokerGateway) -> Order:
    """Send an order; a definite refusal ends it."""
    if _is_overdue(order, gateway):
        return order  # Whoever claimed it slept: it is asked about from now on, and may be given up.
    try:
        venue_order = gateway.submit_order(request_of(order))
    except BrokerRejected as error:
        return _rejected(order.pk, error)
    return venue_order_apply(order=order, venue_order=venue_order, gateway=gateway)


def _is_overdue(order: Order, gateway: BrokerGateway) -> bool:
    if gateway.traits.deduplicates or order.submitted_at is None:
        return False
    late = timedelta(seconds=settings.ORDER_PROOF_SECONDS / 2)
    return timezone.now() - order.submitted_at > late


def _ask(order: Order, gateway: BrokerGateway) -> Order:
    """Ask the venue for an order that it may or may not have."""
    asked_at = timezone.now()
    venue_order = gateway.fetch_order(order.client_order_id, order.instrument.symbol)
    if venue_order is not None:
        return venue_order_apply(order=order, venue_order=venue_order, gateway=gateway)
    if gateway.traits.deduplicates and order.status == OrderStatus.SUBMITTED:
        return _send_again(order, gateway)
    return order_unknown(order=order, gateway=gateway, asked_at=asked_at)


def _send_again(order: Order, gateway: BrokerGateway) -> Order:
    """Send an order of which a venue has never heard to which the same order never counts twice."""
    try:
        require_sendable(order)
    except SendDenied as denied:
        return _rejected(order.pk, BrokerRejected(denied.message, code=denied.code))
    return _send(order, gateway)


@transaction.atomic
def _rejected(order_id: uuid.UUID, error: BrokerRejected) -> Order:
    order = order_lock_linked(order_id)
    if order.status != OrderStatus.SUBMITTED:
        return order
    metrics.count_rejected(error.code)
    if order.role in PROTECTIVE:
        order_notice(
            order,
            f"The position has no {order.get_role_display().lower()}: the venue refused it: {error.message}",
            Severity.CRITICAL,
        )
    return order_step(
        order=order, kind="rejected", to=OrderStatus.REJECTED, reason_code=error.code, reason=error.message
    )


def _cancel(order: Order, gateway: BrokerGateway) -> Order:
    """Cancel an order; where the venue refuses, what it knows of the order decides."""
    try:
        venue_order = gateway.cancel_order(order.client_order_id, order.instrument.symbol)
    except BrokerRejected as error:
        log.info("cancel_refused", order=str(order.pk), error=error.message)
        return _ask(order, gateway)
    return venue_order_apply(order=order, venue_order=venue_order, gateway=gateway)


def _reduce(order: Order, gateway: BrokerGateway) -> Order:
    wanted = order.requested_quantity
    if wanted is None:
        return order
    try:
        gateway.reduce_order(order.client_order_id, order.instrument.symbol, wanted - order.filled_quantity)
    except BrokerRejected as error:
        log.warning("reduce_refused", order=str(order.pk), error=error.message)
        return order
    with transaction.atomic():
        order = order_lock(order.pk)
        if not OrderStatus(order.status).is_working or order.requested_quantity != wanted:
            return order
        order.quantity, order.requested_quantity = wanted, None
        return order_step(order=order, kind="reduced", detail={"quantity": f"{wanted:f}"})
