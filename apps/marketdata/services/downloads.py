"""Ask for histories, and take that back."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from algotrendy.trading.errors import TradingError
from algotrendy.trading.values import Timeframe
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.common.events import publish
from apps.common.jobs import enqueue
from apps.marketdata.models import UNDER_WAY, Download, DownloadStatus, Instrument
from apps.marketdata.selectors import downloads
from apps.marketdata.selectors.telling import download_told
from apps.marketdata.sources.exchanges import has_exchange

MOST_UNDER_WAY = 10
TASK = "marketdata.download"


class InvalidDownload(TradingError):
    """A download cannot be as asked."""

    code = "invalid_download"


class TooManyDownloads(TradingError):
    """As many downloads wait or run for the person as may."""

    code = "too_many_downloads"


class DownloadIsOver(TradingError):
    """The download has ended."""

    code = "download_is_over"


def download_create(
    *,
    instrument: Instrument,
    timeframe: str,
    source: str,
    start: datetime,
    end: datetime | None,
    user: User | None,
    source_symbol: str = "",
) -> Download:
    """Ask for the finished candles that open in start ≤ time < end (all up to now, where None); raise InvalidDownload.

    The same span that is under way already is returned as it is.
    """
    frame, now = Timeframe(timeframe), timezone.now()
    first = _ceiling(frame, start)
    last = min(_ceiling(frame, end or now), frame.floor(now))
    if first >= last:
        raise InvalidDownload("No candle has closed between the start and the end; give an earlier start.")
    if not has_exchange(source):
        raise InvalidDownload(f"There is no exchange {source[:32]!r}; binance, okx, coinbase and kraken are some.")
    values = {"instrument": instrument, "timeframe": frame.value, "source": source, "start": first, "end": last}
    with transaction.atomic():
        same = Download.objects.filter(**values, status__in=UNDER_WAY).first()
        if same is not None:
            return same
        _require_room(user)
        download = Download.objects.create(
            **values, source_symbol=source_symbol, cursor=first, requested_by=user, status=DownloadStatus.PENDING
        )
        if user is not None:
            audit(Action.DOWNLOAD_REQUESTED, target=download)
        enqueue(TASK, str(download.pk), expires=300)
        download_publish(download.pk)
    return download


def download_cancel(*, download: Download) -> Download:
    """End a download: what was stored stays; a worker that has it stops at its next page. Raise DownloadIsOver."""
    with transaction.atomic():
        row = Download.objects.select_for_update(of=("self",)).select_related("instrument").get(pk=download.pk)
        if not row.is_under_way:
            raise DownloadIsOver(f"It is {row.get_status_display().lower()} already.")
        row.status, row.finished_at, row.lease = DownloadStatus.CANCELED, timezone.now(), None
        row.save(update_fields=["status", "finished_at", "lease", "updated_at"])
        audit(Action.DOWNLOAD_CANCELED, target=row)
        download_publish(row.pk)
    return row


def download_publish(download_id: uuid.UUID) -> None:
    """Tell the streams how far a download is."""
    publish("downloads", download_told(downloads().get(pk=download_id)))


def _require_room(user: User | None) -> None:
    if user is None:
        return
    active = Download.objects.filter(requested_by=user, status__in=UNDER_WAY).count()
    if active >= MOST_UNDER_WAY:
        raise TooManyDownloads(f"{active} of your downloads wait or run; wait for one to end, or cancel one.")


def _ceiling(timeframe: Timeframe, moment: datetime) -> datetime:
    """Return the first open time at or after a moment."""
    floor = timeframe.floor(moment)
    return floor if floor == moment else floor + timeframe.duration
