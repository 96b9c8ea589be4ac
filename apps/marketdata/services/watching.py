"""What is wrong with the market data, as alerts that end with their cause."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils import timezone

from apps.alerts.models import Severity
from apps.alerts.services import Finding, alerts_settle
from apps.marketdata import breaker
from apps.marketdata.models import Download, DownloadStatus, Feed
from apps.marketdata.selectors import feed_is_stale, open_gaps

FAILED_FOR = timedelta(days=1)
"""How long a download that failed is told of."""


def market_watch() -> None:
    """Let the alerts of feeds, exchanges, downloads and gaps be those that there is a cause for now."""
    feeds = list(Feed.objects.filter(enabled=True).select_related("instrument"))
    alerts_settle("feed_stale", _stale(feeds))
    alerts_settle("exchange_unreachable", _unreachable(feeds))
    alerts_settle("download_failed", _failed_downloads())
    alerts_settle("candles_missing", _missing())


def _stale(feeds: list[Feed]) -> dict[str, Finding]:
    now = timezone.now()
    return {
        f"feed:{feed.pk}": Finding(
            f"The data of {feed} is too old to trade on"
            + (f": {feed.last_error}" if feed.last_error else ". Switch the feed off if its data has ended."),
            Severity.CRITICAL,
            page=reverse("admin:marketdata_feed_change", args=[feed.pk]),
        )
        for feed in feeds
        if feed_is_stale(feed, now=now)
    }


def _unreachable(feeds: list[Feed]) -> dict[str, Finding]:
    asked = {provider for feed in feeds for provider in feed.providers}
    page = reverse("admin:marketdata_feed_changelist")
    return {
        f"exchange:{name}": Finding(
            f"{name} does not answer and is left alone for half a minute at a time; its feeds ask their fallbacks.",
            page=page,
        )
        for name in sorted(asked)
        if breaker.state(name).circuit == breaker.Circuit.OPEN
    }


def _failed_downloads() -> dict[str, Finding]:
    rows = Download.objects.filter(status=DownloadStatus.FAILED, finished_at__gt=timezone.now() - FAILED_FOR)
    return {
        f"download:{row.pk}": Finding(
            f"The download of {row} has failed: {row.error}",
            owner_id=row.requested_by_id,
            page=reverse("admin:marketdata_download_change", args=[row.pk]),
        )
        for row in rows.select_related("instrument")
    }


def _missing() -> dict[str, Finding]:
    page = reverse("admin:marketdata_gap_changelist")
    series = open_gaps().order_by().values("instrument__symbol", "timeframe", "source")
    return {
        f"series:{row['instrument__symbol']}:{row['timeframe']}:{row['source']}": Finding(
            f"{row['instrument__symbol']} {row['timeframe']} ({row['source']}) lacks {row['candles']:,} candles"
            f" in {row['gaps']:,} place{'s'[: row['gaps'] > 1]}; have them fetched, or note the outage.",
            Severity.INFO,
            page=page,
        )
        for row in series.annotate(gaps=Count("pk"), candles=Sum("missing"))
    }
