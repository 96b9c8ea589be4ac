"""Optimizations in the console: asked for by a form, followed, and read with their map and trials."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from apps.common.console import act, meter, relative_time, status_badge
from apps.common.console.admin import OwnedByService
from apps.strategies.backtest_form import initial_of
from apps.strategies.models import ACTIVE, JobStatus, Optimization
from apps.strategies.optimization_form import OptimizationForm
from apps.strategies.reports.searches import figure_shown, search_page, walk_page
from apps.strategies.reports.setup import setup_again, setup_rows
from apps.strategies.selectors import backtests_of, optimizations_of, setup_of, strategies_of
from apps.strategies.services import optimization_cancel, optimization_create, optimization_delete

from .backtest_dialogs import JobDialog
from .backtest_pages import named
from .backtests import ASKED, FIELDSETS
from .rules import RuleAdmin

WANTED = [
    ("What is wanted", {"fields": ["metric", ("constraint_metric", "constraint_comparator", "constraint_value")]}),
    ("Search", {"fields": [("search", "trial_limit", "seed"), ("walk", "choose_candles", "trade_candles")]}),
]


class OptimizationDialog(JobDialog):
    def rows(self) -> QuerySet[Optimization]:
        return optimizations_of(self.request.user)


class CancelForm(OptimizationDialog):
    """Ask before a search is ended."""

    needs_active = True
    active_text = "It ends; the sets that were tried stay listed."


class DeleteForm(OptimizationDialog):
    """Ask before trials are gone."""

    over_text = "Its trials are deleted for good; the best set's backtest stays."


@admin.register(Optimization)
class OptimizationAdmin(RuleAdmin, OwnedByService):
    """Optimizations; what came of one is its page."""

    visible = staticmethod(optimizations_of)
    rule_form = OptimizationForm
    add_form_template = "strategies/backtest_form.html"
    change_form_template = "strategies/optimization_page.html"
    list_before_template = "console/live_list.html"
    live_topic = "backtests"
    live_fields = ("state", "best")
    list_display = ["name", "series", "kind", "state", "tried", "best", "asked"]
    list_filter = ["status", "search", "walk", "rule", "instruments", ("created_at", RangeDateTimeFilter)]
    search_fields = ["name", "rule", "instruments__symbol"]
    actions_row = ["cancel_optimization", "delete_optimization"]
    actions_detail = ["cancel_optimization", "delete_optimization"]
    empty_hint = "Add an optimization: choose a rule, and for its parameters the values to try."

    @property
    def conditional_fields(self) -> dict[str, str]:
        """Show a walk's lengths while one is chosen; of the rules' parameters those that can be searched."""
        searched = self.form.base_fields
        shown = {name: when for name, when in super().conditional_fields.items() if name in searched}
        return {**shown, "choose_candles": "walk != ''", "trade_candles": "walk != ''"}

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is not None:
            return [(None, {"fields": ["name"]})]
        parameters = [name for name in self.conditional_fields if name not in ("choose_candles", "trade_candles")]
        return [ASKED, ("What is tried", {"fields": ["rule", *parameters]}), *WANTED, *FIELDSETS]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_cancel_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.change_optimization")

    def has_remove_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.delete_optimization")

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        """Offer to cancel what is under way, and to delete what is over."""
        is_active = self.get_queryset(request).filter(pk=object_id, status__in=ACTIVE).exists()
        useless = "delete_optimization" if is_active else "cancel_optimization"
        return [each for each in super().get_actions_detail(request, object_id) if each.path != useless]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with a strategy's or a backtest's own setup, where the address names one."""
        for name, rows, setup in (("strategy", strategies_of, setup_of), ("backtest", backtests_of, setup_again)):
            row = named(rows(request.user), request.GET.get(name))
            if row is not None:
                return initial_of(setup(row))
        return dict(super().get_changeform_initial_data(request))

    def save_model(self, request: HttpRequest, obj: Optimization, form: Any, change: bool) -> None:
        strategy = named(strategies_of(request.user), request.GET.get("strategy"))
        made = optimization_create(owner=request.user, strategy=strategy, **form.asked())
        obj.pk, obj.owner, obj.name = made.pk, made.owner, made.name
        obj._state.adding = False

    def response_add(
        self, request: HttpRequest, obj: Optimization, post_url_continue: str | None = None
    ) -> HttpResponse:
        messages.success(request, f"{obj} is on its way to the workers.")
        return HttpResponseRedirect(reverse("admin:strategies_optimization_change", args=[obj.pk]))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return super().add_view(request, form_url, {**(extra_context or {}), "submit_text": "Search"})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        optimization = self.get_object(request, object_id)
        context: dict[str, Any] = {"is_fullwidth": True, "subtitle": None}
        if optimization is not None:
            is_walked = bool(optimization.walk) and optimization.status == JobStatus.COMPLETED
            across, down = request.GET.get("across"), request.GET.get("down")
            context |= {
                "walk": walk_page(optimization) if is_walked else None,
                "found": None if optimization.walk else search_page(optimization, across, down),
                "setup": setup_rows(optimization),
                "job_url": reverse("optimization", args=[optimization.pk]),
            }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @display(description="Traded")
    def series(self, optimization: Optimization) -> str:
        symbols = sorted(instrument.symbol for instrument in optimization.instruments.all())
        return f"{', '.join(symbols)} {optimization.timeframe}"

    @display(description="Kind", ordering="walk")
    def kind(self, optimization: Optimization) -> str:
        search = optimization.get_search_display()
        return f"Walk forward, {optimization.walk}, {search}" if optimization.walk else search

    @display(description="Status", ordering="status")
    def state(self, optimization: Optimization) -> object:
        if optimization.status == JobStatus.RUNNING:
            return meter(Decimal(optimization.progress), Decimal(100))
        return status_badge(optimization.status, optimization.get_status_display())

    @display(description="Sets tried", formatting="price", ordering="done")
    def tried(self, optimization: Optimization) -> str:
        return f"{optimization.done:,}"

    @display(description="Best", formatting="price")
    def best(self, optimization: Optimization) -> str:
        return f"{figure_shown(optimization.metric, optimization.best_value)} {optimization.metric.replace('_', ' ')}"

    @display(description="Asked for (UTC)", ordering="created_at")
    def asked(self, optimization: Optimization) -> object:
        return relative_time(optimization.created_at)

    @action(
        description="Cancel",
        icon="block",
        variant=ActionVariant.WARNING,
        permissions=["cancel"],
        dialog={
            "title": "Cancel this optimization?",
            "form_class": CancelForm,
            "form_submit_text": "Cancel optimization",
            "dismiss_text": "Let it run",
        },
    )
    def cancel_optimization(self, request: HttpRequest, form: OptimizationDialog, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: optimization_cancel(optimization=form.row),
            done=f"{form.row} is being canceled.",
            back=reverse("admin:strategies_optimization_changelist"),
        )

    @action(
        description="Delete",
        icon="delete",
        variant=ActionVariant.DANGER,
        permissions=["remove"],
        dialog={
            "title": "Delete this optimization?",
            "form_class": DeleteForm,
            "form_submit_text": "Delete optimization",
            "dismiss_text": "Keep it",
        },
    )
    def delete_optimization(self, request: HttpRequest, form: OptimizationDialog, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: optimization_delete(optimization=form.row),
            done=f"{form.row} is deleted.",
            back=reverse("admin:strategies_optimization_changelist"),
        )
