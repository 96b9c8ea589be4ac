"""Portfolios, their limits, positions and worth in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator

from algotrendy.trading.risk import TradingMode
from apps.brokers.selectors import connections_of
from apps.common.console import FactAdmin, act, amount, money, relative_time, signed
from apps.common.console.admin import OwnedByService
from apps.common.console.figures import side_badge
from apps.common.console.filters import StateFilter
from apps.portfolio.admin_limits import RiskProfileInline
from apps.portfolio.dialogs import HaltForm
from apps.portfolio.models import EquitySnapshot, HaltWidth, Portfolio, Position
from apps.portfolio.selectors import equity_of, portfolios_of, positions_of
from apps.portfolio.services import halt_start, portfolio_create


@admin.register(Portfolio)
class PortfolioAdmin(OwnedByService):
    """Money and what it became; cash and profit move by fills only."""

    visible = staticmethod(portfolios_of)
    list_display = ["name", "owner", "connection", "base_currency", "equity", "cash_", "realized", "fees", "created"]
    list_filter = ["base_currency", "is_simulation"]
    search_fields = ["name", "owner__username"]
    inlines = [RiskProfileInline]
    actions_row = ["halt_portfolio"]
    actions_detail = ["halt_portfolio"]
    state_fields = ["cash_", "realized", "fees", "peak", "is_simulation", "created"]
    fieldsets = [
        (None, {"fields": ["name", "owner", "connection", "base_currency", "initial_cash"]}),
        ("State", {"fields": state_fields}),
    ]
    add_fieldsets = [(None, {"fields": ["name", "connection", "base_currency", "initial_cash"]})]

    def has_halt_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("portfolio.add_tradinghalt")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Portfolio]:
        newest = EquitySnapshot.objects.filter(portfolio=OuterRef("pk")).order_by("-at").values("equity")[:1]
        return super().get_queryset(request).annotate(newest_equity=Subquery(newest))

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> list[Any]:
        return [] if obj is None else list(self.inlines)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        fixed = [] if obj is None else ["owner", "connection", "base_currency", "initial_cash"]
        return [*self.state_fields, *fixed]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "connection":
            kwargs["queryset"] = connections_of(request.user).filter(is_active=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Portfolio, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=["name", "updated_at"])
            return
        made = portfolio_create(
            owner=obj.connection.owner,
            name=obj.name,
            connection=obj.connection,
            base_currency=obj.base_currency,
            initial_cash=obj.initial_cash,
        )
        obj.pk, obj.owner = made.pk, made.owner
        obj._state.adding = False

    @display(description="Equity", formatting="price")
    def equity(self, portfolio: Any) -> str:
        return money(portfolio.cash if portfolio.newest_equity is None else portfolio.newest_equity)

    @display(description="Cash", formatting="price", ordering="cash")
    def cash_(self, portfolio: Portfolio) -> str:
        return money(portfolio.cash)

    @display(description="Realized PnL", formatting="price", ordering="realized_pnl")
    def realized(self, portfolio: Portfolio) -> object:
        return signed(portfolio.realized_pnl)

    @display(description="Fees", formatting="price", ordering="fees_paid")
    def fees(self, portfolio: Portfolio) -> str:
        return money(portfolio.fees_paid)

    @display(description="Highest equity")
    def peak(self, portfolio: Portfolio) -> str:
        return money(portfolio.peak_equity)

    @display(description="Created (UTC)", ordering="created_at")
    def created(self, portfolio: Portfolio) -> object:
        return relative_time(portfolio.created_at)

    @action(
        description="Halt trading",
        icon="front_hand",
        variant=ActionVariant.DANGER,
        permissions=["halt"],
        dialog={
            "title": "Halt this portfolio?",
            "form_class": HaltForm,
            "form_submit_text": "Halt trading",
            "dismiss_text": "Keep trading",
            "is_danger": True,
        },
    )
    def halt_portfolio(self, request: HttpRequest, form: HaltForm, object_id: str) -> HttpResponse:
        asked = form.cleaned_data
        return act(
            request,
            lambda: halt_start(
                width=HaltWidth.PORTFOLIO,
                portfolio=form.row,
                mode=TradingMode(asked["mode"]),
                reason=asked["reason"],
                flatten=asked["flatten"],
                actor=request.user,
            ),
            done=f"{form.row} is halted.",
            back=reverse("admin:portfolio_tradinghalt_changelist"),
        )


class OpenFilter(StateFilter):
    choices_shown = (("open", "Open"), ("closed", "Closed"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(closed_at__isnull=self.value() == "open")


class PositionAdmin(FactAdmin):
    """What is and was held. The orders app registers this page, because closing a position is an order."""

    visible = staticmethod(positions_of)
    list_display = ["instrument", "book", "side_shown", "size", "entry", "mark", "unrealized", "realized", "opened"]
    list_filter = [OpenFilter, "side", "instrument", "portfolio"]
    search_fields = ["instrument__symbol", "book"]
    compressed_fields = False
    fieldsets = [
        (None, {"fields": [("portfolio", "instrument", "book"), ("side_shown", "size", "largest")]}),
        ("Prices", {"fields": [("entry", "mark", "stop", "target")]}),
        ("Result", {"fields": [("unrealized", "realized", "fees"), ("opened", "closed")]}),
    ]
    empty_hint = "A position opens with an order's first fill: enable a strategy, or place an order through the API."

    @display(description="Side", ordering="side")
    def side_shown(self, position: Position) -> object:
        return side_badge(position.side)

    @display(description="Size", formatting="price", ordering="quantity")
    def size(self, position: Position) -> object:
        if position.closed_at is not None:
            return format_html(
                '<span class="tone-flat" title="The largest size; closed">{}</span>', self.largest(position)
            )
        return amount(abs(position.quantity), position.instrument.quantity_decimals)

    @display(description="Largest size")
    def largest(self, position: Position) -> str:
        return amount(position.max_quantity, position.instrument.quantity_decimals)

    @display(description="Entry", formatting="price", ordering="entry_price")
    def entry(self, position: Position) -> str:
        return amount(position.entry_price, position.instrument.price_decimals)

    @display(description="Mark", formatting="price", ordering="mark_price")
    def mark(self, position: Position) -> str:
        return amount(position.mark_price, position.instrument.price_decimals)

    @display(description="Stop loss")
    def stop(self, position: Position) -> str:
        return amount(position.stop_loss, position.instrument.price_decimals)

    @display(description="Take profit")
    def target(self, position: Position) -> str:
        return amount(position.take_profit, position.instrument.price_decimals)

    @display(description="Unrealized", formatting="price")
    def unrealized(self, position: Position) -> object:
        return signed(position.unrealized_pnl if position.closed_at is None else None)

    @display(description="Realized", formatting="price", ordering="realized_pnl")
    def realized(self, position: Position) -> object:
        return signed(position.realized_pnl)

    @display(description="Fees")
    def fees(self, position: Position) -> str:
        return money(position.fees_paid)

    @display(description="Opened (UTC)", ordering="opened_at")
    def opened(self, position: Position) -> object:
        return relative_time(position.opened_at)

    @display(description="Closed (UTC)", ordering="closed_at")
    def closed(self, position: Position) -> object:
        return relative_time(position.closed_at)


@admin.register(EquitySnapshot)
class EquitySnapshotAdmin(FactAdmin):
    """What portfolios were worth at market times."""

    visible = staticmethod(equity_of)
    list_display = ["time", "portfolio", "equity_", "cash_", "unrealized", "drawdown"]
    list_filter = ["portfolio"]
    paginator = InfinitePaginator
    show_full_result_count = False

    @display(description="Market time (UTC)", ordering="at")
    def time(self, snapshot: EquitySnapshot) -> object:
        return relative_time(snapshot.at)

    @display(description="Equity", formatting="price", ordering="equity")
    def equity_(self, snapshot: EquitySnapshot) -> str:
        return money(snapshot.equity)

    @display(description="Cash", formatting="price", ordering="cash")
    def cash_(self, snapshot: EquitySnapshot) -> str:
        return money(snapshot.cash)

    @display(description="Unrealized", formatting="price", ordering="unrealized_pnl")
    def unrealized(self, snapshot: EquitySnapshot) -> object:
        return signed(snapshot.unrealized_pnl)

    @display(description="Drawdown", formatting="price", ordering="drawdown_percent")
    def drawdown(self, snapshot: EquitySnapshot) -> str:
        return f"{amount(-snapshot.drawdown_percent, 2)} %"
