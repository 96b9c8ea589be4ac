"""Connections to venues, and the paper venue's book, in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from apps.brokers.models import BrokerConnection, PaperOrder, PaperTrade
from apps.brokers.selectors import connections_of
from apps.brokers.services import paper_connection_create
from apps.common.console import FactAdmin, amount, relative_time, status_badge
from apps.common.console.admin import OwnedByService
from apps.common.console.figures import side_badge


@admin.register(BrokerConnection)
class BrokerConnectionAdmin(OwnedByService):
    """Accounts at venues; traders open theirs, administrators see all."""

    visible = staticmethod(connections_of)
    list_display = ["name", "owner", "kind", "money", "is_active", "commission_shown", "slippage_shown", "created"]
    list_filter = ["kind", "is_live", "is_active"]
    search_fields = ["name", "owner__username"]
    fieldsets = [
        (None, {"fields": ["name", "owner", "kind", "is_live", "is_active"]}),
        ("Paper venue", {"fields": ["commission_rate", "slippage_rate"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["owner", "kind", "is_live"] if obj is not None else ["owner", "kind", "is_live", "is_active"]

    def save_model(self, request: HttpRequest, obj: BrokerConnection, form: Any, change: bool) -> None:
        if change:
            obj.full_clean()
            obj.save(update_fields=[*form.changed_data, "updated_at"])
            return
        made = paper_connection_create(
            owner=request.user,
            name=obj.name,
            commission_rate=obj.commission_rate,
            slippage_rate=obj.slippage_rate,
        )
        obj.pk, obj.owner = made.pk, made.owner
        obj._state.adding = False

    @display(description="Money")
    def money(self, connection: BrokerConnection) -> object:
        return status_badge("failed", "Live") if connection.is_live else status_badge("retry", "Paper")

    @display(description="Commission", formatting="price", ordering="commission_rate")
    def commission_shown(self, connection: BrokerConnection) -> str:
        return f"{(connection.commission_rate * 100).normalize():f} %"

    @display(description="Slippage", formatting="price", ordering="slippage_rate")
    def slippage_shown(self, connection: BrokerConnection) -> str:
        return f"{(connection.slippage_rate * 100).normalize():f} %"

    @display(description="Created (UTC)", ordering="created_at")
    def created(self, connection: BrokerConnection) -> object:
        return relative_time(connection.created_at)


@admin.register(PaperOrder)
class PaperOrderAdmin(FactAdmin):
    """The paper venue's own book."""

    list_display = [
        "client_order_id", "connection", "instrument", "side_shown", "type", "price_shown", "quantity_shown",
        "filled_shown", "state", "active_shown",
    ]  # fmt: skip
    list_filter = ["status", "side", "type", "time_in_force", "instrument"]
    search_fields = ["client_order_id", "oco_group"]
    list_select_related = ["connection", "instrument"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaperOrder]:
        return super().get_queryset(request).filter(connection__in=connections_of(request.user).values("pk"))

    @display(description="Side", ordering="side")
    def side_shown(self, order: PaperOrder) -> object:
        return side_badge(order.side)

    @display(description="Quantity", formatting="price", ordering="quantity")
    def quantity_shown(self, order: PaperOrder) -> str:
        return amount(order.quantity, order.instrument.quantity_decimals)

    @display(description="Filled", formatting="price", ordering="filled_quantity")
    def filled_shown(self, order: PaperOrder) -> str:
        return amount(order.filled_quantity, order.instrument.quantity_decimals)

    @display(description="Price", formatting="price")
    def price_shown(self, order: PaperOrder) -> str:
        """The price that it waits for: its own, else how far it trails and behind what."""
        decimals = order.instrument.price_decimals
        prices = [amount(price, decimals) for price in (order.stop_price, order.limit_price) if price is not None]
        if order.trail_percent is not None:
            prices.append(f"{order.trail_percent.normalize():f} %")
        if order.trail_amount is not None:
            prices.append(amount(order.trail_amount, decimals))
        if order.best_price is not None:
            prices.append(f"behind {amount(order.best_price, decimals)}")
        return ", ".join(prices)

    @display(description="Active from (UTC)", ordering="active_from")
    def active_shown(self, order: PaperOrder) -> object:
        return relative_time(order.active_from)

    @display(description="Status", ordering="status")
    def state(self, order: PaperOrder) -> object:
        return status_badge(order.status, order.get_status_display())


@admin.register(PaperTrade)
class PaperTradeAdmin(FactAdmin):
    """Executions at the paper venue."""

    list_display = [
        "executed", "order", "connection", "instrument", "side_shown", "quantity_shown", "price_shown", "fee_shown",
    ]  # fmt: skip
    list_filter = ["order__side", "order__instrument"]
    search_fields = ["order__client_order_id"]
    list_select_related = ["order__instrument", "order__connection"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaperTrade]:
        return super().get_queryset(request).filter(order__connection__in=connections_of(request.user).values("pk"))

    @display(description="Executed (UTC)", ordering="executed_at")
    def executed(self, trade: PaperTrade) -> object:
        return relative_time(trade.executed_at)

    @display(description="Connection", ordering="order__connection__name")
    def connection(self, trade: PaperTrade) -> str:
        return trade.order.connection.name

    @display(description="Side", ordering="order__side")
    def side_shown(self, trade: PaperTrade) -> object:
        return side_badge(trade.order.side)

    @display(description="Instrument", ordering="order__instrument__symbol")
    def instrument(self, trade: PaperTrade) -> str:
        return trade.order.instrument.symbol

    @display(description="Quantity", formatting="price", ordering="quantity")
    def quantity_shown(self, trade: PaperTrade) -> str:
        return amount(trade.quantity, trade.order.instrument.quantity_decimals)

    @display(description="Price", formatting="price", ordering="price")
    def price_shown(self, trade: PaperTrade) -> str:
        return amount(trade.price, trade.order.instrument.price_decimals)

    @display(description="Fee", formatting="price", ordering="fee")
    def fee_shown(self, trade: PaperTrade) -> str:
        return amount(trade.fee, 4)
