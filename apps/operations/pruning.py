"""Taking away what nobody will ask for any more."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone
from django_celery_results.models import TaskResult
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

RESULTS_KEPT = timedelta(days=7)


def prune() -> dict[str, int]:
    """Delete ended sessions, expired refresh tokens and old task results; return how many of each."""
    now = timezone.now()
    return {
        "sessions": Session.objects.filter(expire_date__lt=now).delete()[0],
        "tokens": OutstandingToken.objects.filter(expires_at__lt=now).delete()[0],
        "task_results": TaskResult.objects.filter(date_done__lt=now - RESULTS_KEPT).delete()[0],
    }
