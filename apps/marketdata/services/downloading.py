"""Fetch histories page by page, so that whatever is killed, nothing is fetched twice or left out."""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import TradingError
from algotrendy.trading.values import Timeframe
from apps.common.jobs import enqueue
from apps.marketdata import metrics
from apps.marketdata.models import Download, DownloadStatus
from apps.marketdata.services.asking import exchange_opened, page_asked
from apps.marketdata.services.candles import StoreReport, candles_store
from apps.marketdata.services.downloads import TASK, download_publish
from apps.marketdata.services.gaps import span_check
from apps.marketdata.sources.exchanges import ExchangeBusy, ExchangeUnreachable, Page, page_length

log = structlog.get_logger(__name__)
SLICE = 45.0
"""Seconds that one task fetches; what is left then waits its turn again behind other downloads."""
LEASE = timedelta(seconds=60)
MOST_FAILURES = 20
LONGEST_PAUSE = 300


def download_run(*, download_id: uuid.UUID, seconds: float = SLICE) -> str:
    """Fetch pages of a download for a while; return its status, or "claimed" where another worker has it."""
    download = _claim(download_id)
    if download is None:
        return "claimed"
    try:
        _fetch(download, time.monotonic() + seconds)
    except ExchangeBusy as error:
        return _put_off(download, error, error.retry_after)
    except ExchangeUnreachable as error:
        return _put_off(download, error, min(2.0 ** min(download.failures, 10), LONGEST_PAUSE))
    except TradingError as error:
        return _end(download, DownloadStatus.FAILED, error)
    if download.cursor >= download.end:
        return _end(download, DownloadStatus.COMPLETED)
    return _release(download)


def downloads_sweep() -> int:
    """Hand out what waits, and what has lost its worker; return how many there are."""
    found = list(_claimable(timezone.now()).order_by("created_at").values_list("pk", flat=True))
    for pk in found:
        enqueue(TASK, str(pk), expires=25)
    return len(found)


def _claimable(now: datetime) -> QuerySet[Download]:
    """Return what waits and may be tried, and what has lost its worker."""
    waits = Q(status=DownloadStatus.PENDING) & (Q(retry_at=None) | Q(retry_at__lte=now))
    return Download.objects.filter(waits | Q(status=DownloadStatus.RUNNING, lease_until__lt=now))


def _claim(download_id: uuid.UUID) -> Download | None:
    now, lease = timezone.now(), uuid.uuid4()
    rows = _claimable(now).filter(pk=download_id)
    if not rows.update(status=DownloadStatus.RUNNING, lease=lease, lease_until=now + LEASE, updated_at=now):
        return None
    return Download.objects.select_related("instrument").get(pk=download_id)


def _fetch(download: Download, deadline: float) -> None:
    """Fetch page after page until the end, the deadline, or the loss of the lease."""
    with exchange_opened(download.source) as (runner, exchange):
        while download.cursor < download.end and time.monotonic() < deadline:
            page = runner.run(page_asked(exchange, download, start=download.cursor))
            if not _store(download, page, page_length(download.source)):
                return


def _store(download: Download, page: Page, length: int) -> bool:
    """Store a page and move the cursor behind it, both or neither; return False where the download was taken away.

    A page may be empty although later ones are not: then the stretch that it was asked for holds nothing.
    """
    step = Timeframe(download.timeframe).duration
    bars = [bar for bar in page.bars if download.cursor <= bar.open_time]
    wanted = [bar for bar in bars if bar.open_time < download.end]
    following = bars[-1].open_time + step if bars else download.cursor + length * step
    with transaction.atomic():
        mine = Download.objects.select_for_update().filter(pk=download.pk, lease=download.lease)
        if not mine.filter(status=DownloadStatus.RUNNING).exists():
            return False
        report = _write(download, wanted)
        download.cursor = min(following, download.end)
        mine.update(
            cursor=download.cursor,
            pages=F("pages") + 1,
            inserted=F("inserted") + report.inserted,
            changed=F("changed") + report.updated,
            failures=0,
            error="",
            error_code="",
            lease_until=timezone.now() + LEASE,
            updated_at=timezone.now(),
        )
        download_publish(download.pk)
    download.failures = 0
    metrics.DOWNLOADED.labels(download.source).inc(len(wanted))
    return True


def _write(download: Download, bars: list[Bar]) -> StoreReport:
    return candles_store(
        instrument=download.instrument, timeframe=download.timeframe, source=download.source, bars=bars
    )


def _put_off(download: Download, error: TradingError, seconds: float) -> str:
    """Let the download wait and try again; give it up where the source has not answered for long."""
    failures = download.failures + 1
    if failures >= MOST_FAILURES:
        return _end(download, DownloadStatus.FAILED, error)
    log.warning("download_put_off", download=str(download.pk), seconds=seconds, error=error.message)
    return _release(download, retry_at=timezone.now() + timedelta(seconds=seconds), failures=failures, error=error)


def _release(
    download: Download, *, retry_at: datetime | None = None, failures: int = 0, error: TradingError | None = None
) -> str:
    _let_go(download, DownloadStatus.PENDING, error, retry_at=retry_at, failures=failures)
    if retry_at is None:
        enqueue(TASK, str(download.pk), expires=300)
    return DownloadStatus.PENDING.value


def _end(download: Download, status: DownloadStatus, error: TradingError | None = None) -> str:
    """End the download once, and look what is missing of its span."""
    with transaction.atomic():
        if not _let_go(download, status, error, retry_at=None, finished_at=timezone.now()):
            return "taken"
        if status == DownloadStatus.COMPLETED:
            span_check(
                instrument=download.instrument,
                timeframe=download.timeframe,
                source=download.source,
                start=download.start,
                end=download.end,
            )
    metrics.DOWNLOADS.labels(download.source, status.value).inc()
    log.info("download_ended", download=str(download.pk), status=status.value, error=error.message if error else "")
    return status.value


def _let_go(download: Download, status: DownloadStatus, error: TradingError | None, **changes: Any) -> bool:
    """Give the lease back with what became of the download; return False where it was taken away before."""
    mine = Download.objects.filter(pk=download.pk, lease=download.lease, status=DownloadStatus.RUNNING)
    is_mine = bool(
        mine.update(
            status=status,
            lease=None,
            lease_until=None,
            error_code=error.code if error else "",
            error=error.message[:500] if error else "",
            updated_at=timezone.now(),
            **changes,
        )
    )
    if is_mine:
        download_publish(download.pk)
    return is_mine
