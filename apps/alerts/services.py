"""Raising alerts, and ending them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from algotrendy.trading.errors import TradingError
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.alerts.metrics import ALERTS_RAISED
from apps.alerts.models import Alert, Severity
from apps.alerts.selectors import alert_told
from apps.common.events import publish

log = structlog.get_logger(__name__)
KEPT = timedelta(days=90)


class NotYourAlert(TradingError):
    """What concerns everybody is acknowledged by administrators."""

    code = "not_your_alert"


class AlertIsOver(TradingError):
    """The alert was resolved before."""

    code = "alert_is_over"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a subject, in a sentence that says what to do."""

    message: str
    severity: Severity = Severity.WARNING
    owner_id: int | None = None
    page: str = ""


def alerts_settle(code: str, findings: Mapping[str, Finding]) -> None:
    """Let the open alerts of this code be exactly those of the findings, which are by subject.

    New ones are told of, those that are there already are kept (and told of again where what they say has changed), and
    those that are not found any more are over.
    """
    with transaction.atomic():
        known = {row.subject: row for row in Alert.objects.select_for_update().filter(code=code, resolved_at=None)}
        for subject, finding in findings.items():
            if subject in known:
                _notice(known[subject], finding)
            else:
                _begin(code, subject, finding)
        for subject in known.keys() - findings.keys():
            _end(known[subject])


def alert_raise(code: str, subject: str, finding: Finding) -> None:
    """Tell of something that happened once; `alerts_end` ends it when it has been there for long enough."""
    with transaction.atomic():
        known = Alert.objects.select_for_update().filter(code=code, subject=subject, resolved_at=None).first()
        if known is None:
            _begin(code, subject, finding)
        else:
            _notice(known, finding)


def alerts_end(code: str, *, after: timedelta) -> None:
    """End the alerts of this code that were noticed last so long ago."""
    with transaction.atomic():
        old = Alert.objects.select_for_update().filter(code=code, resolved_at=None, seen_at__lt=timezone.now() - after)
        for alert in old:
            _end(alert)


def alert_acknowledge(*, alert: Alert, user: User) -> Alert:
    """Note that the user has seen to it: it is no longer counted. Raises NotYourAlert and AlertIsOver."""
    if alert.owner_id != user.pk and not user.is_admin:
        raise NotYourAlert("This alert concerns everybody; an administrator acknowledges it.")
    with transaction.atomic():
        locked = Alert.objects.select_for_update().get(pk=alert.pk)
        if not locked.is_open:
            raise AlertIsOver("This alert is over already; there is nothing to acknowledge.")
        if locked.acknowledged_at is None:
            locked.acknowledged_at, locked.acknowledged_by = timezone.now(), user
            locked.save(update_fields=["acknowledged_at", "acknowledged_by", "updated_at"])
            audit(Action.ALERT_ACKNOWLEDGED, user=user, target=locked)
            _tell(locked)
    return locked


def alerts_prune() -> int:
    """Delete the alerts that have been over for 90 days."""
    return Alert.objects.filter(resolved_at__lt=timezone.now() - KEPT).delete()[0]


def _begin(code: str, subject: str, finding: Finding) -> None:
    alert = Alert(code=code, subject=subject, owner_id=finding.owner_id, seen_at=timezone.now())
    _say(alert, finding)
    try:
        with transaction.atomic():
            alert.save(force_insert=True)
    except IntegrityError:  # Another worker has raised it just now.
        return
    ALERTS_RAISED.labels(code, alert.severity).inc()
    log.warning("alert_raised", code=code, subject=subject, message=alert.message)
    _tell(alert)


def _notice(alert: Alert, finding: Finding) -> None:
    before = (alert.message, alert.severity)
    _say(alert, finding)
    alert.seen_at = timezone.now()
    alert.save(update_fields=["message", "severity", "page", "seen_at", "updated_at"])
    if (alert.message, alert.severity) != before:
        _tell(alert)


def _end(alert: Alert) -> None:
    alert.resolved_at = timezone.now()
    alert.save(update_fields=["resolved_at", "updated_at"])
    log.info("alert_over", code=alert.code, subject=alert.subject)
    _tell(alert)


def _say(alert: Alert, finding: Finding) -> None:
    alert.message, alert.severity, alert.page = finding.message[:500], finding.severity, finding.page[:200]


def _tell(alert: Alert) -> None:
    publish("alerts", alert_told(alert), owner_id=alert.owner_id)
