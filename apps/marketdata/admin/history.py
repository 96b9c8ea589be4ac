"""Downloads, gaps, known outages, retention and trading sessions in the console."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator

from apps.common.console import ConfirmForm, FactAdmin, act, meter, relative_time, status_badge
from apps.common.console.admin import ConsoleAdmin, OwnedByService
from apps.marketdata.admin.forms import DownloadForm
from apps.marketdata.models import (
    Download,
    Gap,
    GapScan,
    GapStatus,
    MarketSession,
    Outage,
    Retention,
)
from apps.marketdata.selectors import downloads, gaps
from apps.marketdata.services.downloads import download_cancel, download_create
from apps.marketdata.services.gaps import gap_backfill, outage_delete, outage_save


def _span(row: Download | Gap) -> str:
    return f"{row.start:%Y-%m-%d %H:%M} to {row.end:%Y-%m-%d %H:%M} UTC"


class OfSeries:
    """What happened to a series of candles."""

    search_fields = ["instrument__symbol"]

    @display(description="Series", ordering="instrument__symbol")
    def series(self, row: Download | Gap) -> str:
        return f"{row.instrument} {row.timeframe} ({row.source})"


class CancelForm(ConfirmForm):
    consequence = "What was stored stays; nothing more is fetched."

    def rows(self) -> QuerySet[Download]:
        return downloads()

    def describe(self) -> list[tuple[str, object]]:
        download: Download = self.row
        if not download.is_under_way:
            self.may_submit, self.consequence = False, "The download is over already."
        series = f"{download.instrument} {download.timeframe} from {download.source}"
        return [("Download", series), ("Span", _span(download)), ("Done", f"{download.progress} %")]


@admin.register(Download)
class DownloadAdmin(OfSeries, OwnedByService):
    """Histories that are fetched from exchanges."""

    list_display = ["series", "state", "done", "span", "stored", "pages", "trouble"]
    list_filter = ["status", "source", "timeframe"]
    list_select_related = ["instrument"]
    actions_row = ["cancel_download"]
    actions_detail = ["cancel_download"]
    exclude = ["lease", "lease_until"]
    list_before_template = "console/live_list.html"
    live_topic = "downloads"
    live_fields = ("state", "done", "stored", "pages", "trouble")
    empty_hint = "Add a download to fetch a history from an exchange; a gap that is filled is listed here too."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("marketdata.add_download")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({"form": DownloadForm} if obj is None else {}), **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is not None:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": ["instrument", "timeframe", "source", "source_symbol", "start", "end"]})]

    def save_model(self, request: HttpRequest, obj: Download, form: Any, change: bool) -> None:
        made = download_create(user=request.user, **form.cleaned_data)
        obj.__dict__.update(made.__dict__)

    @display(description="State", ordering="status")
    def state(self, download: Download) -> object:
        return status_badge(download.status, download.get_status_display())

    @display(description="Done")
    def done(self, download: Download) -> object:
        return meter(Decimal(download.progress), Decimal(100))

    @display(description="Span (UTC)", ordering="start")
    def span(self, download: Download) -> str:
        return f"{download.start:%Y-%m-%d} to {download.end:%Y-%m-%d}"

    @display(description="New candles", formatting="price", ordering="inserted")
    def stored(self, download: Download) -> str:
        return f"{download.inserted:,}"

    @display(description="Error", ordering="error")
    def trouble(self, download: Download) -> str:
        return download.error

    def has_cancel_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("marketdata.change_download")

    @action(
        description="Cancel",
        icon="cancel",
        variant=ActionVariant.DANGER,
        permissions=["cancel"],
        dialog={"title": "Cancel this download?", "form_class": CancelForm, "form_submit_text": "Cancel download"},
    )
    def cancel_download(self, request: HttpRequest, form: CancelForm, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: download_cancel(download=form.row),
            done="The download is canceled.",
            back=reverse("admin:marketdata_download_changelist"),
        )


class BackfillForm(ConfirmForm):
    consequence = "The missing candles are fetched from the source in the background."

    def rows(self) -> QuerySet[Gap]:
        return gaps()

    def describe(self) -> list[tuple[str, object]]:
        gap: Gap = self.row
        if gap.status == GapStatus.FILLED:
            self.may_submit, self.consequence = False, "The gap is filled already."
        series = f"{gap.instrument} {gap.timeframe} from {gap.source}"
        return [("Gap", series), ("Span", _span(gap)), ("Missing", f"{gap.missing:,} candles")]


@admin.register(Gap)
class GapAdmin(OfSeries, FactAdmin):
    """Where candles are missing."""

    list_display = ["series", "state", "missing", "start", "end", "outage", "found"]
    list_filter = ["status", "source", "timeframe", ("start", RangeDateTimeFilter)]
    list_select_related = ["instrument", "outage"]
    actions_row = ["backfill_gap"]
    actions_detail = ["backfill_gap"]
    empty_hint = "No candle is missing, as far as the series were searched; that is done once an hour."

    @display(description="State", ordering="status")
    def state(self, gap: Gap) -> object:
        tone = {GapStatus.OPEN: "warning", GapStatus.FILLED: "filled"}.get(GapStatus(gap.status), gap.status)
        return status_badge(tone, gap.get_status_display())

    @display(description="Found (UTC)", ordering="created_at")
    def found(self, gap: Gap) -> object:
        return relative_time(gap.created_at)

    def has_backfill_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("marketdata.add_download")

    @action(
        description="Backfill",
        icon="download",
        permissions=["backfill"],
        dialog={"title": "Fill this gap?", "form_class": BackfillForm, "form_submit_text": "Fetch candles"},
    )
    def backfill_gap(self, request: HttpRequest, form: BackfillForm, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: gap_backfill(gap=form.row, user=request.user),
            done="The candles are being fetched.",
            back=reverse("admin:marketdata_download_changelist"),
        )


@admin.register(GapScan)
class GapScanAdmin(FactAdmin):
    """How far each series has been searched for gaps."""

    list_display = ["instrument", "timeframe", "source", "through", "scanned_at"]
    list_select_related = ["instrument"]
    empty_hint = "Series are searched for missing candles once an hour."


@admin.register(Outage)
class OutageAdmin(ConsoleAdmin):
    """Times in which a source is known to have had no candles: they explain the gaps within them."""

    list_display = ["source", "instrument", "start", "end", "note"]
    list_filter = ["source"]
    list_select_related = ["instrument"]
    empty_hint = "Add an outage that an exchange has told of, and the gaps within it count as explained."

    def save_model(self, request: HttpRequest, obj: Outage, form: Any, change: bool) -> None:
        outage_save(outage=obj)

    def delete_model(self, request: HttpRequest, obj: Outage) -> None:
        outage_delete(outage=obj)


@admin.register(Retention)
class RetentionAdmin(ConsoleAdmin):
    """After how many days the candles of a timeframe are deleted."""

    list_display = ["timeframe", "days"]
    empty_hint = "All candles are kept. Add a timeframe and its days to have old ones deleted each night."

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [] if obj is None else ["timeframe"]


@admin.register(MarketSession)
class MarketSessionAdmin(FactAdmin):
    """When the markets that close are open."""

    list_display = ["calendar", "date", "opens_at", "closes_at"]
    list_filter = ["calendar", ("opens_at", RangeDateTimeFilter)]
    paginator = InfinitePaginator
    show_full_result_count = False
    empty_hint = "Sessions are written down for the calendars of the instruments."
