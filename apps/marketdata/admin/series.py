"""Instruments, candles and feeds in the console."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.postgres.fields import ArrayField
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.common.console import ConfirmForm, FactAdmin, act, amount, relative_time, status_badge
from apps.common.console.admin import OwnedByService
from apps.common.console.figures import EMPTY
from apps.marketdata.admin.forms import FeedsForm
from apps.marketdata.models import Candle, Feed, Instrument
from apps.marketdata.selectors import feed_is_stale
from apps.marketdata.selectors.exchanges import exchange_condition
from apps.marketdata.services import feed_update
from apps.marketdata.services.feeds import feeds_create

GRID = ["price_tick", "quantity_step", "min_quantity", "min_notional", "contract_size"]


@admin.register(Instrument)
class InstrumentAdmin(OwnedByService):
    """What can be traded; an instrument's grid is fixed once it exists, because orders and fills lie on it."""

    list_display = ["symbol", "name", "asset_type", "quote_currency", "price_tick_shown", "step_shown", "is_active"]
    list_filter = ["asset_type", "quote_currency", "is_active"]
    search_fields = ["symbol", "name"]
    fieldsets = [
        (None, {"fields": ["symbol", "name", "asset_type", "is_active"]}),
        ("Currencies", {"fields": ["base_currency", "quote_currency"]}),
        ("Grid", {"fields": GRID}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [] if obj is None else ["symbol", "asset_type", "base_currency", "quote_currency", *GRID]

    @display(description="Tick", formatting="price", ordering="price_tick")
    def price_tick_shown(self, instrument: Instrument) -> str:
        return amount(instrument.price_tick, instrument.price_decimals)

    @display(description="Step", formatting="price", ordering="quantity_step")
    def step_shown(self, instrument: Instrument) -> str:
        return amount(instrument.quantity_step, instrument.quantity_decimals)


@admin.register(Candle)
class CandleAdmin(FactAdmin):
    """Finished candles; the table is large, so its pages are not counted."""

    list_display = ["opened", "instrument", "timeframe", "source", "open_", "high_", "low_", "close_", "volume_"]
    list_filter = ["instrument", "timeframe", "source", ("open_time", RangeDateTimeFilter)]
    list_select_related = ["instrument"]
    paginator = InfinitePaginator
    show_full_result_count = False
    empty_hint = "No candles yet: run `manage.py import_candles --help` to bring a file in, or enable a feed."

    @display(description="Open time (UTC)", ordering="open_time")
    def opened(self, candle: Candle) -> object:
        return relative_time(candle.open_time)

    @display(description="Open", formatting="price", ordering="open")
    def open_(self, candle: Candle) -> str:
        return amount(candle.open, candle.instrument.price_decimals)

    @display(description="High", formatting="price", ordering="high")
    def high_(self, candle: Candle) -> str:
        return amount(candle.high, candle.instrument.price_decimals)

    @display(description="Low", formatting="price", ordering="low")
    def low_(self, candle: Candle) -> str:
        return amount(candle.low, candle.instrument.price_decimals)

    @display(description="Close", formatting="price", ordering="close")
    def close_(self, candle: Candle) -> str:
        return amount(candle.close, candle.instrument.price_decimals)

    @display(description="Volume", formatting="price", ordering="volume")
    def volume_(self, candle: Candle) -> str:
        return f"{candle.volume.normalize():,f}"


class FeedForm(ConfirmForm):
    """Ask about one feed."""

    def rows(self) -> QuerySet[Feed]:
        return Feed.objects.select_related("instrument")

    def describe(self) -> list[tuple[str, object]]:
        feed: Feed = self.row
        last = feed.position.strftime("%Y-%m-%d %H:%M UTC") if feed.position else "none yet"
        return [("Feed", f"{feed.instrument} {feed.timeframe}"), ("Source", feed.source), ("Last", last)]


class EnableFeedForm(FeedForm):
    consequence = "Candles arrive from the next one on, and the enabled strategies of this series trade them."

    def describe(self) -> list[tuple[str, object]]:
        if self.row.enabled:
            self.may_submit, self.consequence = False, "The feed is enabled already."
        return super().describe()


class DisableFeedForm(FeedForm):
    consequence = "No more candles arrive: resting orders are not filled and prices stand still until it is enabled."

    def describe(self) -> list[tuple[str, object]]:
        if not self.row.enabled:
            self.may_submit, self.consequence = False, "The feed is disabled already."
        return super().describe()


@admin.register(Feed)
class FeedAdmin(OwnedByService):
    """The series that arrive; a feed is switched by its actions."""

    list_display = [
        "instrument",
        "timeframe",
        "source",
        "state",
        "last_candle",
        "age",
        "delivered",
        "speed_shown",
        "error",
    ]
    formfield_overrides: ClassVar = {ArrayField: {"widget": UnfoldAdminTextInputWidget}}
    list_filter = ["enabled", "source", "timeframe"]
    list_select_related = ["instrument"]
    actions_row = ["enable_feed", "disable_feed"]
    actions_detail = ["enable_feed", "disable_feed"]
    readonly_fields = ["state", "position", "last_received_at", "last_error", "exchanges"]
    fieldsets = [
        (None, {"fields": ["instrument", "timeframe", "source", "source_symbol", "fallbacks", "origin", "speed"]}),
        ("State", {"fields": ["state", "position", "last_received_at", "last_error", "exchanges"]}),
    ]

    added_fieldsets = [
        ("What", {"fields": ["instruments", "timeframes"]}),
        ("From where", {"fields": ["source", "fallbacks", "enabled"]}),
        ("Of a replay", {"fields": ["origin", "speed"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [] if obj is None else [*self.readonly_fields, "instrument", "timeframe", "source"]

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.added_fieldsets if obj is None else self.fieldsets

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Ask for several feeds at once where they are added."""
        return super().get_form(request, obj, change, **({"form": FeedsForm} if obj is None else {}), **kwargs)

    def has_switch_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("marketdata.change_feed")

    def save_model(self, request: HttpRequest, obj: Feed, form: Any, change: bool) -> None:
        if change:
            feed_update(feed=obj, **{name: form.cleaned_data[name] for name in form.changed_data})
        else:
            made, form.there = feeds_create(**form.cleaned_data)
            form.made = len(made)
            if made:
                obj.__dict__.update(made[0].__dict__)

    def log_addition(self, request: HttpRequest, object: Feed, message: Any) -> Any:
        """Record what was added; where everything was there already nothing was."""
        return super().log_addition(request, object, message) if object.pk else None

    def response_add(self, request: HttpRequest, obj: Feed, post_url_continue: str | None = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:marketdata_feed_changelist"))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        if change:
            super().save_related(request, form, formsets, change)
        else:
            there = f" {form.there} {_were(form.there)} there already." if form.there else ""
            messages.success(request, f"{form.made} feed{'s'[: form.made != 1]} {_were(form.made)} added.{there}")

    @display(description="State")
    def state(self, feed: Feed) -> object:
        if feed.last_error:
            return status_badge("failed", "Failed")
        if feed_is_stale(feed, now=timezone.now()):
            return status_badge("warning", "Stale")
        return status_badge("enabled", "Enabled") if feed.enabled else status_badge("disabled", "Disabled")

    @display(description="Speed", formatting="price", ordering="speed")
    def speed_shown(self, feed: Feed) -> str:
        return f"{feed.speed:,g}\N{MULTIPLICATION SIGN}" if feed.is_replay else ""

    @display(description="Delivered by", ordering="provider")
    def delivered(self, feed: Feed) -> str:
        return "" if feed.is_replay else feed.provider

    @display(description="Last candle (UTC)", ordering="position")
    def last_candle(self, feed: Feed) -> object:
        return relative_time(feed.position)

    @display(description="Error", empty_value="")
    def error(self, feed: Feed) -> str:
        return feed.last_error

    @display(description="Age", ordering="-last_received_at")
    def age(self, feed: Feed) -> object:
        """Show how long ago the last candle arrived, and when on pointing."""
        if feed.last_received_at is None:
            return EMPTY
        at = feed.last_received_at.isoformat(timespec="seconds")
        return format_html('<time datetime="{0}" title="{0}">{1}</time>', at, timesince(feed.last_received_at, depth=1))

    @display(description="Exchanges")
    def exchanges(self, feed: Feed) -> str:
        return "; ".join(f"{name} {exchange_condition(name)}" for name in feed.providers) or EMPTY

    @action(
        description="Enable",
        icon="play_arrow",
        permissions=["switch"],
        dialog={"title": "Enable this feed?", "form_class": EnableFeedForm, "form_submit_text": "Enable feed"},
    )
    def enable_feed(self, request: HttpRequest, form: FeedForm, object_id: str) -> HttpResponse:
        return self._switch(request, form.row, enabled=True)

    @action(
        description="Disable",
        icon="pause",
        variant=ActionVariant.WARNING,
        permissions=["switch"],
        dialog={"title": "Disable this feed?", "form_class": DisableFeedForm, "form_submit_text": "Disable feed"},
    )
    def disable_feed(self, request: HttpRequest, form: FeedForm, object_id: str) -> HttpResponse:
        return self._switch(request, form.row, enabled=False)

    def _switch(self, request: HttpRequest, feed: Feed, *, enabled: bool) -> HttpResponse:
        return act(
            request,
            lambda: feed_update(feed=feed, enabled=enabled),
            done=f"{feed} is {'enabled' if enabled else 'disabled'}.",
            back=reverse("admin:marketdata_feed_changelist"),
        )


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
