"""The kill switch in the console: what is halted, halting, and letting trading go on."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget

from algotrendy.trading.errors import TradingError
from algotrendy.trading.risk import TradingMode
from apps.common.console import act, relative_time, status_badge
from apps.common.console.admin import OwnedByService
from apps.common.console.filters import StateFilter
from apps.orders.services.entry.halting import place_of
from apps.portfolio.dialogs import MODES, EndHaltForm
from apps.portfolio.halting import halts_of
from apps.portfolio.models import HaltCause, HaltWidth, Portfolio, TradingHalt
from apps.portfolio.selectors import portfolios_of
from apps.portfolio.services import halt_end, halt_start
from apps.strategies.models import Strategy
from apps.strategies.selectors import strategies_of

LIST = "admin:portfolio_tradinghalt_changelist"


class HaltStateFilter(StateFilter):
    choices_shown = (("open", "Holds"), ("over", "Over"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(ended_at__isnull=self.value() == "open")


class TradingHaltForm(forms.ModelForm):  # type: ignore[type-arg]
    """What to halt, how far, and why."""

    strategy = forms.ModelChoiceField(Strategy.objects.none(), required=False, widget=UnfoldAdminSelectWidget)
    mode = forms.ChoiceField(choices=MODES, widget=UnfoldAdminSelectWidget)
    user: Any = None
    """Set by the page."""

    class Meta:
        model = TradingHalt
        fields = ["width", "portfolio", "mode", "reason", "flatten", "until"]
        help_texts = {"until": "In UTC, when it ends by itself; empty for never.", "width": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        width, portfolio, strategy = self.fields["width"], self.fields["portfolio"], self.fields["strategy"]
        widths = [each for each in HaltWidth.choices if self.user.is_admin or each[0] != HaltWidth.PLATFORM]
        width.choices = widths  # type: ignore[attr-defined]
        self.initial.setdefault("width", HaltWidth.PORTFOLIO)
        portfolio.queryset = portfolios_of(self.user).filter(is_simulation=False)  # type: ignore[attr-defined]
        mine = strategies_of(self.user).filter(portfolio__is_simulation=False, archived_at=None)
        strategy.queryset = mine.order_by("portfolio__name", "name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or self.cleaned_data
        if "width" not in asked:
            return asked
        width = HaltWidth(asked["width"])
        portfolio: Portfolio | None = asked.get("portfolio") if width == HaltWidth.PORTFOLIO else None
        strategy: Strategy | None = asked.get("strategy") if width == HaltWidth.STRATEGY else None
        if width == HaltWidth.PORTFOLIO and portfolio is None:
            self.add_error("portfolio", "Choose the portfolio to halt.")
        elif width == HaltWidth.STRATEGY and strategy is None:
            self.add_error("strategy", "Choose the strategy to halt.")
        else:
            try:
                asked["place"] = place_of(width, portfolio, strategy)
            except TradingError as error:
                raise ValidationError(error.message) from error
        return asked

    def _post_clean(self) -> None:
        """Check nothing of the row: the service makes it, and gives way to what is there."""


@admin.register(TradingHalt)
class TradingHaltAdmin(OwnedByService):
    """Halts, those that hold first; ending one is an action."""

    visible = staticmethod(halts_of)
    list_display = ["state", "mode_shown", "covers", "reason", "cause_shown", "flatten", "by", "began", "lasts", "over"]
    list_filter = [HaltStateFilter, "width", "mode", "cause"]
    search_fields = ["reason", "portfolio__name", "book"]
    actions_row = ["end_halt"]
    actions_detail = ["end_halt"]
    list_before_template = "console/live_list.html"
    live_topic, live_fields = "alerts", ("state", "over")
    empty_hint = "Nothing was ever halted. Add a halt to stop the platform, a portfolio or a strategy at once."
    conditional_fields = {"portfolio": "width == 'portfolio'", "strategy": "width == 'strategy'"}
    fieldsets = [
        (None, {"fields": [("state", "mode_shown", "covers"), "reason", ("cause_shown", "flatten")]}),
        ("Times", {"fields": [("began", "by"), ("lasts", "over", "ended")]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["width", "portfolio", "strategy", "mode", "reason", "flatten", "until"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portfolio.add_tradinghalt")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_end_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("portfolio.change_tradinghalt")

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        form = super().get_form(request, obj, change, form=TradingHaltForm, **kwargs)
        form.user = request.user
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.add_fieldsets if obj is None else self.fieldsets

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        """Offer the end only where there is one to come."""
        is_open = halts_of(request.user).filter(pk=object_id, ended_at=None).exists()
        return super().get_actions_detail(request, object_id) if is_open else []

    def save_model(self, request: HttpRequest, obj: TradingHalt, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        made = halt_start(
            **asked["place"],
            mode=TradingMode(asked["mode"]),
            reason=asked["reason"],
            flatten=asked["flatten"],
            until=asked["until"],
            actor=request.user,
        )
        obj.__dict__.update(made.__dict__)

    @display(description="State", ordering="ended_at")
    def state(self, halt: TradingHalt) -> object:
        return status_badge("failed", "Holds") if halt.ended_at is None else status_badge("completed", "Over")

    @display(description="Mode", ordering="mode")
    def mode_shown(self, halt: TradingHalt) -> object:
        tone = "failed" if halt.mode == TradingMode.HALTED else "warning"
        return status_badge(tone, halt.get_mode_display())

    @display(description="Covers", ordering="width")
    def covers(self, halt: TradingHalt) -> str:
        where = "The platform" if halt.portfolio is None else halt.portfolio.name
        return f"{where}, {halt.book}" if halt.book else where

    @display(description="Cause", ordering="cause")
    def cause_shown(self, halt: TradingHalt) -> str:
        return HaltCause(halt.cause).label

    @display(description="By")
    def by(self, halt: TradingHalt) -> str:
        return halt.started_by.username if halt.started_by else "The platform"

    @display(description="Since (UTC)", ordering="created_at")
    def began(self, halt: TradingHalt) -> object:
        return relative_time(halt.created_at)

    @display(description="Until (UTC)", ordering="until")
    def lasts(self, halt: TradingHalt) -> object:
        return relative_time(halt.until)

    @display(description="Over (UTC)", ordering="ended_at")
    def over(self, halt: TradingHalt) -> object:
        return relative_time(halt.ended_at)

    @display(description="Ended by")
    def ended(self, halt: TradingHalt) -> str:
        return halt.ended_by.username if halt.ended_by else ""

    @action(
        description="End halt",
        icon="play_arrow",
        variant=ActionVariant.WARNING,
        permissions=["end"],
        dialog={
            "title": "Let trading go on?",
            "form_class": EndHaltForm,
            "form_submit_text": "End halt",
            "dismiss_text": "Keep halted",
        },
    )
    def end_halt(self, request: HttpRequest, form: EndHaltForm, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: halt_end(halt=form.row, actor=request.user),
            done="The halt is over.",
            back=reverse(LIST),
        )
