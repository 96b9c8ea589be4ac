"""Recurring work on portfolios."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from apps.portfolio.services import portfolios_snapshot


@shared_task(name="portfolio.snapshot")
def snapshot() -> int:
    """Write down what the portfolios are worth of which nothing has been for an hour."""
    return len(portfolios_snapshot(at=timezone.now()))
