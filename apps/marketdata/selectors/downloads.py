"""What was asked of exchanges."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.marketdata.models import Download


def downloads() -> QuerySet[Download]:
    """Return everybody's downloads: candles are everybody's."""
    return Download.objects.select_related("instrument")
