"""Backtests in the console: asked for by a form, followed while they run, read, compared."""

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

from apps.common.console import act, meter, relative_time, signed, status_badge
from apps.common.console.admin import OwnedByService
from apps.common.console.figures import EMPTY, TONES
from apps.strategies.backtest_form import BacktestForm, initial_of
from apps.strategies.models import ACTIVE, Backtest, JobStatus
from apps.strategies.reports.console import page_of
from apps.strategies.reports.setup import setup_again, setup_rows
from apps.strategies.selectors import backtests_of, setup_of, strategies_of
from apps.strategies.services import backtest_cancel, backtest_create, backtest_delete

from .backtest_dialogs import BacktestDialog, CancelForm, DeleteForm
from .backtest_pages import BacktestPages, named
from .rules import RuleAdmin

ASKED = (None, {"fields": ["name", ("instruments", "timeframe"), ("start", "end")]})
FIELDSETS = [
    ("Trading", {"fields": ["direction", ("sizing_rule", "sizing_value"), "min_confidence"]}),
    ("Protection", {"fields": ["protect", ("stop_percent", "target_percent", "trail_percent")]}),
    ("Account and costs", {"fields": [("initial_cash", "commission_rate", "slippage_rate"), "risk_limits"]}),
    ("Fills", {"fields": [("fill_at", "limit_percent", "limit_candles")]}),
]


@admin.register(Backtest)
class BacktestAdmin(BacktestPages, RuleAdmin, OwnedByService):
    """Backtests; what came of one is its page."""

    visible = staticmethod(backtests_of)
    rule_form = BacktestForm
    add_form_template = "strategies/backtest_form.html"
    change_form_template = "strategies/backtest_page.html"
    list_before_template = "console/live_list.html"
    live_topic = "backtests"
    live_fields = ("state", "total", "sharpe_shown", "drawdown", "trades", "believable")
    list_display = [
        "name", "series", "state", "total", "sharpe_shown", "drawdown", "trades", "believable", "asked",
    ]  # fmt: skip
    list_filter = ["status", "verdict", "rule", "timeframe", "instruments", ("created_at", RangeDateTimeFilter)]
    search_fields = ["name", "rule", "instruments__symbol"]
    actions = ["compare"]
    actions_row = ["cancel_backtest", "delete_backtest"]
    actions_detail = ["cancel_backtest", "delete_backtest"]
    empty_hint = "Add a backtest: choose a rule, instruments and a period; it runs in the background."

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is not None:
            return [(None, {"fields": ["name"]})]
        return [
            ASKED,
            ("Rule", {"fields": ["rule", *self.conditional_fields]}),
            *FIELDSETS,
            (None, {"fields": ["as_live"]}),
        ]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_cancel_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.change_backtest")

    def has_remove_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.delete_backtest")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Backtest]:
        return super().get_queryset(request).prefetch_related("instruments")

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        """Offer to cancel what is under way, and to delete what is over."""
        is_active = self.get_queryset(request).filter(pk=object_id, status__in=ACTIVE).exists()
        useless = "delete_backtest" if is_active else "cancel_backtest"
        return [each for each in super().get_actions_detail(request, object_id) if each.path != useless]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with a strategy's own setup, or with an earlier backtest's, where the address names one."""
        for name, rows, setup in (("strategy", strategies_of, setup_of), ("backtest", backtests_of, setup_again)):
            row = named(rows(request.user), request.GET.get(name))
            if row is not None:
                return initial_of(setup(row))
        return dict(super().get_changeform_initial_data(request))

    def save_model(self, request: HttpRequest, obj: Backtest, form: Any, change: bool) -> None:
        strategy = named(strategies_of(request.user), request.GET.get("strategy"))
        made = backtest_create(owner=request.user, strategy=strategy, **form.asked())
        obj.pk, obj.owner, obj.name = made.pk, made.owner, made.name
        obj._state.adding = False

    def response_add(self, request: HttpRequest, obj: Backtest, post_url_continue: str | None = None) -> HttpResponse:
        messages.success(request, f"{obj} is on its way to a worker.")
        return HttpResponseRedirect(reverse("admin:strategies_backtest_change", args=[obj.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        backtest = self.get_object(request, object_id)
        context = {"is_fullwidth": True}
        if backtest is not None:
            again = f"{reverse('admin:strategies_backtest_add')}?backtest={backtest.pk}"
            context |= {
                "page": page_of(backtest) if backtest.status == JobStatus.COMPLETED else None,
                "setup": setup_rows(backtest),
                "again": again if self.has_add_permission(request) else None,
                "job_url": reverse("backtest", args=[backtest.pk]),
                "verdict_tone": TONES.get(backtest.verdict, "flat"),
                "subtitle": None,
            }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @admin.action(description="Compare")
    def compare(self, request: HttpRequest, queryset: QuerySet[Backtest]) -> HttpResponse:
        chosen = [str(pk) for pk in queryset.filter(status=JobStatus.COMPLETED).values_list("pk", flat=True)[:10]]
        return HttpResponseRedirect(f"{reverse('admin:strategies_backtest_compare')}?ids={','.join(chosen)}")

    @display(description="Traded")
    def series(self, backtest: Backtest) -> str:
        symbols = sorted(instrument.symbol for instrument in backtest.instruments.all())
        more = f" +{len(symbols) - 2}" if len(symbols) > 2 else ""
        return f"{', '.join(symbols[:2])}{more} {backtest.timeframe}"

    @display(description="Status", ordering="status")
    def state(self, backtest: Backtest) -> object:
        if backtest.status == JobStatus.RUNNING:
            return meter(Decimal(backtest.progress), Decimal(100))
        return status_badge(backtest.status, backtest.get_status_display())

    @display(description="Return, %", formatting="price", ordering="total_return")
    def total(self, backtest: Backtest) -> object:
        return EMPTY if backtest.total_return is None else signed(Decimal(backtest.total_return * 100))

    @display(description="Sharpe", formatting="price", ordering="sharpe")
    def sharpe_shown(self, backtest: Backtest) -> object:
        return EMPTY if backtest.sharpe is None else f"{backtest.sharpe:.2f}"

    @display(description="Drawdown, %", formatting="price", ordering="max_drawdown")
    def drawdown(self, backtest: Backtest) -> object:
        return EMPTY if backtest.max_drawdown is None else f"{backtest.max_drawdown * 100:.2f}"

    @display(description="Trades", formatting="price", ordering="trade_count")
    def trades(self, backtest: Backtest) -> object:
        return EMPTY if backtest.trade_count is None else f"{backtest.trade_count:,}"

    @display(description="Believe it?", ordering="verdict")
    def believable(self, backtest: Backtest) -> object:
        return status_badge(backtest.verdict, backtest.get_verdict_display()) if backtest.verdict else EMPTY

    @display(description="Asked for (UTC)", ordering="created_at")
    def asked(self, backtest: Backtest) -> object:
        return relative_time(backtest.created_at)

    @action(
        description="Cancel",
        icon="block",
        variant=ActionVariant.WARNING,
        permissions=["cancel"],
        dialog={
            "title": "Cancel this backtest?",
            "form_class": CancelForm,
            "form_submit_text": "Cancel backtest",
            "dismiss_text": "Let it run",
        },
    )
    def cancel_backtest(self, request: HttpRequest, form: BacktestDialog, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: backtest_cancel(backtest=form.row),
            done=f"{form.row} is being canceled.",
            back=reverse("admin:strategies_backtest_changelist"),
        )

    @action(
        description="Delete",
        icon="delete",
        variant=ActionVariant.DANGER,
        permissions=["remove"],
        dialog={
            "title": "Delete this backtest?",
            "form_class": DeleteForm,
            "form_submit_text": "Delete backtest",
            "dismiss_text": "Keep it",
        },
    )
    def delete_backtest(self, request: HttpRequest, form: BacktestDialog, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: backtest_delete(backtest=form.row),
            done=f"{form.row} is deleted.",
            back=reverse("admin:strategies_backtest_changelist"),
        )
