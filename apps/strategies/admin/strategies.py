"""Strategies in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from algotrendy.trading.errors import TradingError
from algotrendy.trading.strategies import registry
from apps.common.console import ConfirmForm, act, amount, relative_time, status_badge
from apps.common.console.admin import OwnedByService
from apps.common.console.figures import EMPTY
from apps.portfolio.selectors import portfolios_of, position_held
from apps.strategies.admin.rules import RuleAdmin
from apps.strategies.forms import StrategyForm
from apps.strategies.models import SizingMode, Strategy
from apps.strategies.selectors import strategies_of
from apps.strategies.services import (
    CHANGEABLE,
    strategy_configure,
    strategy_create,
    strategy_disable,
    strategy_enable,
)

TRADING = ["direction", ("sizing_mode", "sizing_value"), "min_confidence", "protect"]
FIXED = ["portfolio", "instrument", "timeframe"]
STATE = ["state", "last_run", "last_error"]


class StrategyDialog(ConfirmForm):
    def rows(self) -> QuerySet[Strategy]:
        return strategies_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        strategy: Strategy = self.row
        return [
            ("Strategy", strategy.name),
            ("Rule", rule_title(strategy)),
            ("Trades", f"{strategy.instrument} {strategy.timeframe} in {strategy.portfolio}"),
            ("Size of an entry", size_of(strategy)),
        ]


class EnableForm(StrategyDialog):
    """Ask before a strategy trades by itself."""

    def describe(self) -> list[tuple[str, object]]:
        if self.row.enabled:
            self.may_submit, self.consequence = False, "The strategy is enabled already."
        else:
            self.consequence = "It places orders by itself from the next finished candle on."
        return super().describe()


class DisableForm(StrategyDialog):
    """Ask before a strategy falls silent, and say what it leaves behind."""

    def describe(self) -> list[tuple[str, object]]:
        strategy: Strategy = self.row
        held = position_held(strategy.portfolio, strategy.instrument_id, strategy.slug)
        if not strategy.enabled:
            self.may_submit, self.consequence = False, "The strategy is disabled already."
        elif held is None:
            self.consequence = "It gives no more signals. It holds no position."
        else:
            size = amount(abs(held.quantity), strategy.instrument.quantity_decimals)
            self.consequence = (
                f"It gives no more signals. Its {held.side} position of {size} {strategy.instrument} stays open, "
                "with its stop loss and take profit."
            )
        return super().describe()


@admin.register(Strategy)
class StrategyAdmin(RuleAdmin, OwnedByService):
    """Rules at work; enabling and disabling are actions, never a field."""

    visible = staticmethod(strategies_of)
    rule_form = StrategyForm
    list_display = ["name", "rule_shown", "instrument", "timeframe", "portfolio", "size", "state", "last_run"]
    list_filter = ["enabled", "rule", "instrument", "timeframe", "portfolio"]
    search_fields = ["name", "instrument__symbol"]
    actions_row = ["enable_strategy", "disable_strategy"]
    actions_detail = ["enable_strategy", "disable_strategy"]
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
        """Offer the switch that does something."""
        is_enabled = self.get_queryset(request).filter(pk=object_id, enabled=True).exists()
        useless = "enable_strategy" if is_enabled else "disable_strategy"
        return [each for each in super().get_actions_detail(request, object_id) if each.path != useless]

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
        return status_badge("enabled", "Enabled") if strategy.enabled else status_badge("disabled", "Disabled")

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
            back=reverse("admin:strategies_strategy_changelist"),
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
            back=reverse("admin:strategies_strategy_changelist"),
        )


def rule_title(strategy: Strategy) -> str:
    """Return the rule's title; its bare name where the rule is not registered any more."""
    try:
        return registry.get(strategy.rule).title
    except TradingError:
        return strategy.rule


def size_of(strategy: Strategy) -> str:
    if strategy.sizing_mode == SizingMode.FIXED_QUANTITY:
        return f"{amount(strategy.sizing_value, strategy.instrument.quantity_decimals)} {strategy.instrument}"
    return f"{strategy.sizing_value.normalize():f} % of equity"
