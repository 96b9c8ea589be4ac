"""Which alerts a user sees."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.alerts.models import Alert


def alerts_of(user: User) -> QuerySet[Alert]:
    """Return the alerts that the user may see: their own and everybody's, an administrator all."""
    alerts = Alert.objects.select_related("acknowledged_by")
    return alerts if user.is_admin else alerts.filter(Q(owner=None) | Q(owner=user))


def open_alerts_of(user: User) -> QuerySet[Alert]:
    """Return those that are not over and that nobody has acknowledged."""
    return alerts_of(user).filter(resolved_at=None, acknowledged_at=None)


def alert_told(alert: Alert) -> dict[str, Any]:
    """Return the alert as streams tell it."""
    return {
        "id": str(alert.pk),
        "code": alert.code,
        "subject": alert.subject,
        "severity": alert.severity,
        "message": alert.message,
        "page": alert.page,
        "began_at": alert.created_at.isoformat(),
        "resolved_at": None if alert.resolved_at is None else alert.resolved_at.isoformat(),
        "acknowledged": alert.acknowledged_at is not None,
    }


def alerts_told(user: User, most: int) -> list[dict[str, Any]]:
    """Return the newest alerts that are not over."""
    return [alert_told(alert) for alert in alerts_of(user).filter(resolved_at=None)[:most]]
