"""What strategies were, and how they compare with their backtests, in the console."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display

from apps.common.console import FactAdmin, act, relative_time, signed
from apps.strategies.admin.dialogs import RestoreForm
from apps.strategies.admin.words import drift_shown
from apps.strategies.models import StrategyPerformance, StrategyVersion
from apps.strategies.selectors import performance_of, versions_of
from apps.strategies.services import strategy_restore


@admin.register(StrategyVersion)
class StrategyVersionAdmin(FactAdmin):
    """Every version of every strategy."""

    visible = staticmethod(versions_of)
    list_display = ["strategy", "number", "name", "rule", "parameters", "time", "changed_by"]
    list_filter = ["strategy", "rule"]
    search_fields = ["name", "strategy__name"]
    actions_row = ["restore_version"]
    actions_detail = ["restore_version"]
    ordering = ["-created_at", "-id"]

    def has_restore_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("strategies.change_strategy")

    @display(description="Since (UTC)", ordering="created_at")
    def time(self, version: StrategyVersion) -> object:
        return relative_time(version.created_at)

    @action(
        description="Restore",
        icon="history",
        permissions=["restore"],
        dialog={
            "title": "Restore this version?",
            "form_class": RestoreForm,
            "form_submit_text": "Restore version",
            "dismiss_text": "Keep the present one",
        },
    )
    def restore_version(self, request: HttpRequest, form: RestoreForm, object_id: str) -> HttpResponse:
        version: StrategyVersion = form.row
        return act(
            request,
            lambda: strategy_restore(version=version),
            done=f"{version.strategy} is again what it was in version {version.number}.",
            back=reverse("admin:strategies_strategy_change", args=[version.strategy_id]),
        )


@admin.register(StrategyPerformance)
class StrategyPerformanceAdmin(FactAdmin):
    """Live trades beside those of backtests, hour by hour."""

    visible = staticmethod(performance_of)
    list_display = [
        "time", "strategy", "until", "live_trades", "backtest_trades", "matched_trades", "live", "backtest", "drift",
    ]  # fmt: skip
    list_filter = ["strategy"]
    search_fields = ["strategy__name"]
    empty_hint = "Enabled strategies are compared with their backtests once an hour."

    @display(description="Compared (UTC)", ordering="computed_at")
    def time(self, row: StrategyPerformance) -> object:
        return relative_time(row.computed_at)

    @display(description="Market time (UTC)", ordering="period_end")
    def until(self, row: StrategyPerformance) -> object:
        return relative_time(row.period_end)

    @display(description="PnL live", formatting="price", ordering="live_pnl")
    def live(self, row: StrategyPerformance) -> object:
        return signed(row.live_pnl)

    @display(description="PnL in the backtest", formatting="price", ordering="backtest_pnl")
    def backtest(self, row: StrategyPerformance) -> object:
        return signed(row.backtest_pnl)

    @display(description="Drift", formatting="price", ordering="drift_percent")
    def drift(self, row: StrategyPerformance) -> object:
        return drift_shown(row.drift_percent)
