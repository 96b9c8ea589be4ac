"""Strategies in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from algotrendy.trading.strategies import registry
from apps.common.console import act, relative_time, status_badge
from apps.common.console.admin import OwnedByService
from apps.common.console.figures import EMPTY
from apps.portfolio.selectors import portfolios_of
from apps.strategies.admin.dialogs import (
    DeleteForm,
    DisableForm,
    DuplicateForm,
    EnableForm,
    StrategyDialog,
    UnarchiveForm,
)
from apps.strategies.admin.filters import ArchiveFilter
from apps.strategies.admin.panels import history_panel, performance_panel
from apps.strategies.admin.rules import RuleAdmin
from apps.strategies.admin.webhooks import WebhookMaking, webhook_panel
from apps.strategies.admin.words import drift_shown, rule_title, size_of
from apps.strategies.forms import StrategyForm
from apps.strategies.models import Strategy, StrategyPerformance
from apps.strategies.selectors import strategies_of
from apps.strategies.services import (
    CHANGEABLE,
    strategy_configure,
    strategy_create,
    strategy_delete,
    strategy_disable,
    strategy_duplicate,
    strategy_enable,
    strategy_unarchive,
)

TRADING = [
    "direction", ("sizing_mode", "sizing_value"), "min_confidence", "protect", ("needs_approval", "approval_minutes"),
]  # fmt: skip
FIXED = ["portfolio", "instrument", "timeframe"]
STATE = ["state", "version", "last_run", "last_error"]
LIST = "admin:strategies_strategy_changelist"
PAGE = "admin:strategies_strategy_change"


@admin.register(Strategy)
class StrategyAdmin(RuleAdmin, WebhookMaking, OwnedByService):
    """Rules at work; enabling and disabling are actions, never a field."""

    visible = staticmethod(strategies_of)
    rule_form = StrategyForm
    list_display = ["name", "rule_shown", "instrument", "timeframe", "portfolio", "size", "state", "drift", "last_run"]
    list_filter = [ArchiveFilter, "enabled", "rule", "instrument", "timeframe", "portfolio"]
    search_fields = ["name", "instrument__symbol"]
    actions_row = ["enable_strategy", "disable_strategy", "duplicate_strategy", "delete_strategy"]
    actions_detail = [*actions_row, "unarchive_strategy", "create_webhook"]
    change_form_outer_before_template = "strategies/performance_panel.html"
    change_form_outer_after_template = "strategies/strategy_after.html"
    list_before_template = "strategies/broken_files.html"
    readonly_fields = STATE
    empty_hint = "Add a strategy: choose a rule, an instrument and a portfolio; it trades once you enable it."

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Tell those who may mend them which strategy files are broken."""
        may_see = request.user.has_perm("strategies.view_strategyfile")
        context = {"broken_files": registry.problems() if may_see else ()}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    def has_switch_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.change_strategy")

    def has_duplicate_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.add_strategy")

    def has_remove_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.delete_strategy")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Strategy]:
        newest = StrategyPerformance.objects.filter(strategy=OuterRef("pk")).order_by("-computed_at", "-id")
        return super().get_queryset(request).annotate(newest_drift=Subquery(newest.values("drift_percent")[:1]))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        strategy: Strategy | None = self.get_object(request, object_id) if object_id else None
        context = dict(extra_context or {})
        if strategy is not None:
            may_restore = self.has_switch_permission(request)
            context |= {
                "performance": performance_panel(strategy),
                "history": history_panel(strategy, may_restore=may_restore),
                "webhook_panel": webhook_panel(request, strategy),
            }
        return super().changeform_view(request, object_id, form_url, context)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        may_change = obj is None or self.has_change_permission(request, obj)
        parameters = list(self.conditional_fields) if may_change else ["parameters_shown"]
        sections = [
            (None, {"fields": ["name", *FIXED]}),
            ("Rule", {"fields": ["rule", *parameters]}),
            ("Trading", {"fields": TRADING}),
        ]
        return sections if obj is None else [*sections, ("State", {"fields": STATE})]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [*STATE, "parameters_shown"] if obj is None else [*STATE, "parameters_shown", *FIXED]

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        """Offer what does something in the state that the strategy is in."""
        strategy = self.get_queryset(request).filter(pk=object_id).first()
        useful = set() if strategy is None else _useful(strategy)
        return [each for each in super().get_actions_detail(request, object_id) if each.path in useful]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "portfolio":
            kwargs["queryset"] = portfolios_of(request.user).filter(is_simulation=False)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Strategy, form: Any, change: bool) -> None:
        asked = {name: form.cleaned_data[name] for name in CHANGEABLE if name in form.cleaned_data}
        if change:
            strategy_configure(strategy=obj, **asked)
            return
        made = strategy_create(**asked, **{name: form.cleaned_data[name] for name in FIXED})
        obj.pk, obj.slug = made.pk, made.slug
        obj._state.adding = False

    @display(description="Rule", ordering="rule")
    def rule_shown(self, strategy: Strategy) -> str:
        return rule_title(strategy)

    @display(description="Entry size", formatting="price")
    def size(self, strategy: Strategy) -> str:
        return size_of(strategy)

    @display(description="State", ordering="enabled")
    def state(self, strategy: Strategy) -> object:
        if strategy.last_error:
            return status_badge("failed", "Error")
        if strategy.is_archived:
            return status_badge("archived", "Archived")
        return status_badge("enabled", "Enabled") if strategy.enabled else status_badge("disabled", "Disabled")

    @display(description="Drift", formatting="price", ordering="newest_drift")
    def drift(self, strategy: Any) -> object:
        return drift_shown(strategy.newest_drift)

    @display(description="Last candle seen (UTC)", ordering="last_run_at")
    def last_run(self, strategy: Strategy) -> object:
        return relative_time(strategy.last_run_at)

    @display(description="Parameters")
    def parameters_shown(self, strategy: Strategy) -> object:
        rows = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", strategy.parameters.items())
        return format_html('<dl class="console-facts">{}</dl>', rows) if strategy.parameters else EMPTY

    @action(
        description="Enable",
        icon="play_arrow",
        permissions=["switch"],
        dialog={"title": "Enable this strategy?", "form_class": EnableForm, "form_submit_text": "Enable strategy"},
    )
    def enable_strategy(self, request: HttpRequest, form: StrategyDialog, object_id: str) -> HttpResponse:
        strategy: Strategy = form.row
        return act(
            request,
            lambda: strategy_enable(strategy=strategy),
            done=f"{strategy} trades from the next candle on.",
            back=reverse(LIST),
        )

    @action(
        description="Disable",
        icon="pause",
        variant=ActionVariant.WARNING,
        permissions=["switch"],
        dialog={
            "title": "Disable this strategy?",
            "form_class": DisableForm,
            "form_submit_text": "Disable strategy",
            "dismiss_text": "Keep it enabled",
        },
    )
    def disable_strategy(self, request: HttpRequest, form: StrategyDialog, object_id: str) -> HttpResponse:
        strategy: Strategy = form.row
        return act(
            request,
            lambda: strategy_disable(strategy=strategy),
            done=f"{strategy} is disabled.",
            back=reverse(LIST),
        )

    @action(
        description="Duplicate",
        icon="content_copy",
        permissions=["duplicate"],
        dialog={
            "title": "Duplicate this strategy?",
            "form_class": DuplicateForm,
            "form_submit_text": "Make the copy",
            "dismiss_text": "Make no copy",
        },
    )
    def duplicate_strategy(self, request: HttpRequest, form: DuplicateForm, object_id: str) -> HttpResponse:
        strategy: Strategy = form.row
        return act(
            request,
            lambda: strategy_duplicate(strategy=strategy, **form.asked),
            done=f"{strategy} is duplicated; the copy is disabled.",
            back=reverse(LIST),
        )

    @action(
        description="Delete",
        icon="delete",
        variant=ActionVariant.DANGER,
        permissions=["remove"],
        dialog={
            "title": "Delete this strategy?",
            "form_class": DeleteForm,
            "form_submit_text": "Delete strategy",
            "dismiss_text": "Keep strategy",
            "is_danger": True,
        },
    )
    def delete_strategy(self, request: HttpRequest, form: StrategyDialog, object_id: str) -> HttpResponse:
        strategy: Strategy = form.row
        return act(
            request,
            lambda: strategy_delete(strategy=strategy),
            done=f"{strategy} is taken away.",
            back=reverse(LIST),
        )

    @action(
        description="Take out of the archive",
        icon="unarchive",
        permissions=["switch"],
        dialog={
            "title": "Take this strategy out of the archive?",
            "form_class": UnarchiveForm,
            "form_submit_text": "Take it out",
            "dismiss_text": "Leave it there",
        },
    )
    def unarchive_strategy(self, request: HttpRequest, form: StrategyDialog, object_id: str) -> HttpResponse:
        strategy: Strategy = form.row
        return act(
            request,
            lambda: strategy_unarchive(strategy=strategy),
            done=f"{strategy} is back; it is disabled.",
            back=reverse(PAGE, args=[strategy.pk]),
        )


def _useful(strategy: Strategy) -> set[str]:
    if strategy.is_archived:
        return {"unarchive_strategy", "duplicate_strategy"}
    if strategy.enabled:
        return {"disable_strategy", "duplicate_strategy"}
    return {"enable_strategy", "duplicate_strategy", "delete_strategy"}
