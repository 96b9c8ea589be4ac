"""One comparison of a connection with its venue, from its beginning to the row that tells of it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable, TradingError
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.brokers.models import BrokerConnection
from apps.brokers.selectors import gateway_of, traits_of
from apps.common.jobs import enqueue
from apps.orders import metrics
from apps.orders.models import Reconciliation, ReconciliationOutcome
from apps.orders.services.venue.following import symbol_follow
from apps.orders.services.venue.locking import RECONCILING, connection_lock
from apps.orders.services.venue.settling import strays_settle

from .adopting import strangers_adopt
from .differences import Difference
from .holdings import holdings_compare
from .scope import concluded, horizon_of, instruments_of, since_of

log = structlog.get_logger(__name__)
READY_FOR = timedelta(minutes=5)
"""How old the last comparison with a real venue may be when an order is sent there."""
KEPT = timedelta(days=30)
KEPT_EACH, KEPT_LAST = 10, 3
"""Of comparisons in a row with the same result, every so manieth is kept, and the last ones."""


class ReconciliationRunning(TradingError):
    """Another worker compares this connection just now."""

    code = "reconciliation_running"


def connections_to_reconcile() -> list[uuid.UUID]:
    """Return the active connections that somebody trades with."""
    rows = BrokerConnection.objects.filter(is_active=True, portfolios__is_simulation=False)
    return list(rows.order_by("created_at").values_list("pk", flat=True).distinct())


def connection_is_ready(connection: BrokerConnection) -> bool:
    """Tell whether orders may be sent to the venue: it was compared of late, or is now, and has answered."""
    if traits_of(connection).is_simulated:
        return True
    recent = timezone.now() - READY_FOR
    if concluded(connection).filter(finished_at__gt=recent).exists():
        return True
    try:
        return connection_reconcile(connection=connection).outcome != ReconciliationOutcome.FAILED
    except ReconciliationRunning:
        return False


def reconciliation_request(*, connection: BrokerConnection, actor: User) -> Reconciliation:
    """Compare a connection at a person's word. Raises ReconciliationRunning."""
    audit(Action.RECONCILED, user=actor, target=connection)
    return connection_reconcile(connection=connection)


def connection_reconcile(*, connection: BrokerConnection) -> Reconciliation:
    """Compare the platform with the connection's venue and repair what can be; return the row that tells of it.

    One worker at a time does so for a connection: raises ReconciliationRunning.
    """
    with connection_lock(RECONCILING, connection.pk) as is_ours:
        if not is_ours:
            raise ReconciliationRunning(f"{connection} is being compared just now; look at the result in a moment.")
        row = Reconciliation.objects.create(connection=connection)
        try:
            differences = _reconcile(connection, row)
        except (BrokerUnavailable, BrokerRejected) as error:
            row.outcome, row.error = ReconciliationOutcome.FAILED, error.message[:500]
        except Exception as error:
            row.outcome, row.error = ReconciliationOutcome.FAILED, f"{type(error).__name__}: {error}"[:500]
            log.exception("reconciliation_broken", connection=str(connection.pk))
        else:
            row.differences = [difference.told() for difference in differences]
            row.outcome = _outcome(row)
        _finish(row)
    return row


def _reconcile(connection: BrokerConnection, row: Reconciliation) -> list[Difference]:
    gateway = gateway_of(connection)
    since, horizon = {}, horizon_of(connection)
    strays_settle(connection_id=connection.pk, is_sending=False)
    instruments = instruments_of(connection)
    left: list[Difference] = []
    for instrument in instruments:
        since[instrument.pk] = since_of(connection, instrument)
        followed = symbol_follow(connection, instrument, gateway, since=since[instrument.pk])
        adopted, unknown = strangers_adopt(connection, instrument, followed, gateway, horizon=horizon)
        row.orders_checked += followed.checked
        row.fills_applied += followed.fills
        row.orders_resolved += followed.resolved
        row.orders_adopted += adopted
        left += unknown
    held = holdings_compare(connection, instruments, gateway)
    if held:  # A fill may have come between the questions: look twice before saying so.
        for instrument in instruments:
            row.fills_applied += symbol_follow(connection, instrument, gateway, since=since[instrument.pk]).fills
        held = holdings_compare(connection, instruments, gateway)
    return [*left, *held]


def _outcome(row: Reconciliation) -> ReconciliationOutcome:
    if row.differences:
        return ReconciliationOutcome.DRIFT
    if row.fills_applied or row.orders_adopted or row.orders_resolved:
        return ReconciliationOutcome.REPAIRED
    return ReconciliationOutcome.CLEAN


@transaction.atomic
def _finish(row: Reconciliation) -> None:
    row.finished_at = timezone.now()
    row.save()
    metrics.count_reconciliation(row)
    _thin(row.connection)
    enqueue("orders.watch_reconciliations")


def _thin(connection: BrokerConnection) -> None:
    """Delete the newest row that is past the last ones and says what the rows on both sides of it say."""
    newest = list(Reconciliation.objects.filter(connection=connection).order_by("-id")[: KEPT_LAST + 2])
    if len(newest) < KEPT_LAST + 2:
        return
    after, row, before = newest[KEPT_LAST - 1 :]
    is_told = all(
        (row.outcome, row.differences, row.error) == (other.outcome, other.differences, other.error)
        for other in (after, before)
    )
    if is_told and row.outcome != ReconciliationOutcome.REPAIRED and row.pk % KEPT_EACH:
        row.delete()


def reconciliations_prune() -> int:
    """Delete the comparisons that are past their time; the first of a connection tells since when it is followed."""
    firsts = (
        Reconciliation.objects.order_by("connection_id", "id").distinct("connection_id").values_list("pk", flat=True)
    )
    old = Reconciliation.objects.filter(started_at__lt=timezone.now() - KEPT).exclude(pk__in=list(firsts))
    return old.delete()[0]
