"""Taking away what nobody will ask for any more."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone
from django_celery_results.models import TaskResult

from apps.accounts.models import ApiSession
from apps.alerts.services import alerts_prune
from apps.orders.services.reconciling import reconciliations_prune

RESULTS_KEPT = timedelta(days=7)


def prune() -> dict[str, int]:
    """Delete sessions of console and API that are over, and old task results; return how many of each."""
    now = timezone.now()
    return {
        "sessions": Session.objects.filter(expire_date__lt=now).delete()[0],
        "api_sessions": ApiSession.objects.filter(expires_at__lt=now).delete()[0],
        "alerts": alerts_prune(),
        "reconciliations": reconciliations_prune(),
        "task_results": TaskResult.objects.filter(date_done__lt=now - RESULTS_KEPT).delete()[0],
    }
