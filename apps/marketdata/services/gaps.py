"""Find where candles are missing, write it down, and have it fetched."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from algotrendy.trading.errors import TradingError
from algotrendy.trading.values import Timeframe
from apps.accounts.models import User
from apps.marketdata.models import Download, Gap, GapScan, GapStatus, Instrument, Outage, Source
from apps.marketdata.selectors import instrument_get, series_list
from apps.marketdata.selectors.gaps import Stretch, gaps_between, gaps_of, open_gaps
from apps.marketdata.selectors.series import newest_time, oldest_time, series_rows
from apps.marketdata.services.downloads import download_create
from apps.marketdata.services.sessions import sessions_ensure
from apps.marketdata.sources.exchanges import has_exchange

log = structlog.get_logger(__name__)


class GapNotFillable(TradingError):
    """Nobody can be asked for the candles of a gap."""

    code = "gap_not_fillable"


def all_gaps_find() -> int:
    """Search every stored series from where the last search ended; return the open gaps."""
    for series in series_list():
        if series.source != Source.REPLAY:  # A replay's gaps are its origin's.
            instrument = instrument_get(series.symbol)
            sessions_ensure(calendar=instrument.calendar)
            gaps_find(instrument=instrument, timeframe=series.timeframe.value, source=series.source)
    return open_gaps().count()


def gaps_find(*, instrument: Instrument, timeframe: str, source: str) -> int:
    """Search one series for gaps, and look at its known ones again; return how many new ones were found.

    Of the candles only what came after the last search is read.
    """
    scan = GapScan.objects.filter(instrument=instrument, timeframe=timeframe, source=source).first()
    since = None if scan is None else scan.through
    found = gaps_between(instrument=instrument, timeframe=timeframe, source=source, start=since, end=None)
    of_series = gaps_of(instrument, timeframe, source)
    with transaction.atomic():
        for gap in of_series.select_for_update().exclude(status=GapStatus.FILLED):
            _look_again(gap)
        new = sum(_note(instrument, timeframe, source, stretch) for stretch in found)
        _remember(instrument, timeframe, source)
    if new:
        log.warning("gaps_found", symbol=instrument.symbol, timeframe=timeframe, source=source, count=new)
    return new


def span_check(*, instrument: Instrument, timeframe: str, source: str, start: datetime, end: datetime) -> None:
    """Search a span that was just fetched: what is still missing in it, its source does not have."""
    of_series = gaps_of(instrument, timeframe, source)
    rows = series_rows(instrument, timeframe, source)
    found = gaps_between(
        instrument=instrument,
        timeframe=timeframe,
        source=source,
        start=newest_time(rows.filter(open_time__lt=start)),
        end=oldest_time(rows.filter(open_time__gte=end)),
    )
    with transaction.atomic():
        for gap in of_series.select_for_update().filter(start__lt=end, end__gt=start).exclude(status=GapStatus.FILLED):
            _look_again(gap)
        for stretch in found:
            _note(instrument, timeframe, source, stretch)
        of_series.filter(start__gte=start, end__lte=end, status=GapStatus.OPEN).update(status=GapStatus.EMPTY)


def span_search(*, instrument: Instrument, timeframe: str, source: str, start: datetime, end: datetime) -> int:
    """Note what is missing between two stored candles; return how many gaps are new."""
    found = gaps_between(instrument=instrument, timeframe=timeframe, source=source, start=start, end=end)
    with transaction.atomic():
        return sum(_note(instrument, timeframe, source, stretch) for stretch in found)


def gap_backfill(*, gap: Gap, user: User | None) -> Download:
    """Have the candles of a gap fetched from its source; raise GapNotFillable where that is no exchange."""
    if gap.status == GapStatus.FILLED:
        raise GapNotFillable("The gap is filled already.")
    if not has_exchange(gap.source):
        raise GapNotFillable(
            f"{gap.source} is no exchange that can be asked; import a file that holds these candles instead."
        )
    return download_create(
        instrument=gap.instrument,
        timeframe=gap.timeframe,
        source=gap.source,
        start=gap.start,
        end=gap.end,
        user=user,
    )


def outage_save(*, outage: Outage) -> Outage:
    """Keep a known outage, and let it explain the gaps that lie within it."""
    outage.full_clean()
    with transaction.atomic():
        outage.save()
        Gap.objects.filter(outage=outage).update(outage=None, status=GapStatus.OPEN)
        within = Q(source=outage.source, start__gte=outage.start, end__lte=outage.end)
        if outage.instrument_id is not None:
            within &= Q(instrument=outage.instrument_id)
        Gap.objects.filter(within, status__in=(GapStatus.OPEN, GapStatus.EMPTY)).update(
            outage=outage, status=GapStatus.EXPLAINED
        )
    return outage


def outage_delete(*, outage: Outage) -> None:
    """Forget an outage: the gaps that it explained are open again."""
    with transaction.atomic():
        Gap.objects.filter(outage=outage).update(status=GapStatus.OPEN, outage=None)
        outage.delete()


def _note(instrument: Instrument, timeframe: str, source: str, stretch: Stretch) -> bool:
    known = gaps_of(instrument, timeframe, source).filter(start__lt=stretch.end, end__gt=stretch.start)
    if known.exclude(status=GapStatus.FILLED).exists():
        return False
    outage = _outage_of(instrument, source, stretch)
    values: dict[str, Any] = {
        "end": stretch.end,
        "missing": stretch.missing,
        "outage": outage,
        "status": GapStatus.EXPLAINED if outage else GapStatus.OPEN,
    }
    Gap.objects.update_or_create(
        instrument=instrument, timeframe=timeframe, source=source, start=stretch.start, defaults=values
    )
    return True


def _look_again(gap: Gap) -> None:
    """Close a gap that was filled; narrow one that was filled in part, and note what else is left of it."""
    left = [
        stretch
        for stretch in gaps_between(
            instrument=gap.instrument,
            timeframe=gap.timeframe,
            source=gap.source,
            start=_before(gap),
            end=gap.end,
        )
        if stretch.start < gap.end and stretch.end > gap.start
    ]
    if left == [Stretch(gap.start, gap.end, gap.missing)]:
        return
    if not left:
        gap.status = GapStatus.FILLED
        gap.save(update_fields=["status", "updated_at"])
        return
    Gap.objects.filter(pk=gap.pk).delete()
    for stretch in left:
        _note(gap.instrument, gap.timeframe, gap.source, stretch)


def _before(gap: Gap) -> datetime:
    """Return the open time of the newest candle before the gap."""
    rows = series_rows(gap.instrument, gap.timeframe, gap.source).filter(open_time__lt=gap.start)
    return newest_time(rows) or gap.start - Timeframe(gap.timeframe).duration


def _outage_of(instrument: Instrument, source: str, stretch: Stretch) -> Outage | None:
    return (
        Outage.objects.filter(Q(instrument=instrument) | Q(instrument=None), source=source)
        .filter(start__lte=stretch.start, end__gte=stretch.end)
        .order_by(F("instrument").asc(nulls_last=True), "pk")
        .first()
    )


def _remember(instrument: Instrument, timeframe: str, source: str) -> None:
    through = newest_time(series_rows(instrument, timeframe, source))
    if through is not None:
        GapScan.objects.update_or_create(
            instrument=instrument,
            timeframe=timeframe,
            source=source,
            defaults={"through": through, "scanned_at": timezone.now()},
        )
