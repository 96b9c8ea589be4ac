"""What comparisons with venues found, as alerts that end with their cause."""

from __future__ import annotations

from django.urls import reverse

from apps.alerts.models import Severity
from apps.alerts.services import Finding, alerts_settle
from apps.brokers.models import BrokerConnection
from apps.orders.models import Reconciliation, ReconciliationOutcome
from apps.orders.services.steps.notices import notices_end

from .scope import concluded

FAILURES = 3
"""After how many failed comparisons in a row somebody should look."""


def reconciliation_alerts() -> None:
    """Let the alerts be those of the newest comparisons.

    A failed one says nothing about differences: those that the last answered one found stay.
    """
    drifts: dict[str, Finding] = {}
    silences: dict[str, Finding] = {}
    for connection in BrokerConnection.objects.filter(is_active=True, portfolios__is_simulation=False).distinct():
        subject = f"connection:{connection.pk}"
        newest = concluded(connection).order_by("-id").first()
        if newest is not None and newest.outcome == ReconciliationOutcome.DRIFT:
            drifts[subject] = _drift(newest)
        last = list(Reconciliation.objects.filter(connection=connection).exclude(outcome="").order_by("-id")[:FAILURES])
        if len(last) == FAILURES and all(row.outcome == ReconciliationOutcome.FAILED for row in last):
            silences[subject] = _silence(last[0])
    alerts_settle("reconciliation_drift", drifts)
    alerts_settle("reconciliation_failed", silences)
    notices_end()


def _drift(row: Reconciliation) -> Finding:
    first = row.differences[0]
    more = f" And {len(row.differences) - 1} more." if len(row.differences) > 1 else ""
    return Finding(
        f"{row.connection} and the platform differ: {first['what']} is {first['ours']} here and {first['venue']} there."
        f"{more} Nothing was changed; compare the account's history at the venue.",
        Severity.CRITICAL,
        owner_id=row.connection.owner_id,
        page=reverse("admin:orders_reconciliation_change", args=[row.pk]),
    )


def _silence(row: Reconciliation) -> Finding:
    return Finding(
        f"{row.connection} could not be compared {FAILURES} times in a row: {row.error}",
        owner_id=row.connection.owner_id,
        page=reverse("admin:orders_reconciliation_change", args=[row.pk]),
    )
