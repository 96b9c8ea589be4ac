"""What happened to orders, what was traded, and how far: seen and never changed."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from apps.common.console import FactAdmin, amount, relative_time, signed, status_badge
from apps.common.console.figures import side_badge
from apps.orders.models import Fill, LaggingAccount, OrderEvent, SeriesCursor
from apps.orders.selectors import fills_of, orders_of


@admin.register(OrderEvent)
class OrderEventAdmin(FactAdmin):
    """Every step of every order."""

    list_display = ["time", "order", "version", "kind", "from_status", "to", "correlation_id"]
    list_filter = ["kind", "to_status"]
    search_fields = ["order__client_order_id", "correlation_id"]
    list_select_related = ["order"]
    ordering = ["-id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderEvent]:
        return super().get_queryset(request).filter(order__in=orders_of(request.user).values("pk"))

    @display(description="Time (UTC)", ordering="id")
    def time(self, event: OrderEvent) -> object:
        return relative_time(event.at)

    @display(description="To", ordering="to_status")
    def to(self, event: OrderEvent) -> object:
        return status_badge(event.to_status, event.to_status.replace("_", " ").capitalize())


@admin.register(Fill)
class FillAdmin(FactAdmin):
    """Executions, applied exactly once."""

    visible = staticmethod(fills_of)
    list_display = [
        "time", "instrument", "side_shown", "quantity_shown", "price_shown", "value", "fee_shown", "realized", "order",
    ]  # fmt: skip
    list_filter = ["side", "order__instrument", "order__portfolio", ("executed_at", RangeDateTimeFilter)]
    search_fields = ["order__client_order_id", "exchange_trade_id"]

    @display(description="Market time (UTC)", ordering="executed_at")
    def time(self, fill: Fill) -> object:
        return relative_time(fill.executed_at)

    @display(description="Instrument", ordering="order__instrument__symbol")
    def instrument(self, fill: Fill) -> str:
        return fill.order.instrument.symbol

    @display(description="Side", ordering="side")
    def side_shown(self, fill: Fill) -> object:
        return side_badge(fill.side)

    @display(description="Quantity", formatting="price", ordering="quantity")
    def quantity_shown(self, fill: Fill) -> str:
        return amount(fill.quantity, fill.order.instrument.quantity_decimals)

    @display(description="Price", formatting="price", ordering="price")
    def price_shown(self, fill: Fill) -> str:
        return amount(fill.price, fill.order.instrument.price_decimals)

    @display(description="Value", formatting="price", ordering="quote_quantity")
    def value(self, fill: Fill) -> str:
        return amount(fill.quote_quantity, 2)

    @display(description="Fee", formatting="price", ordering="fee")
    def fee_shown(self, fill: Fill) -> str:
        return amount(fill.fee, 4)

    @display(description="Realized", formatting="price", ordering="realized_pnl")
    def realized(self, fill: Fill) -> object:
        return signed(fill.realized_pnl)


@admin.register(SeriesCursor)
class SeriesCursorAdmin(FactAdmin):
    """How far each feed's candles have been traded."""

    list_display = ["feed", "traded"]
    list_select_related = ["feed__instrument"]

    @display(description="Traded through (UTC)", ordering="traded_through")
    def traded(self, cursor: SeriesCursor) -> object:
        return relative_time(cursor.traded_through)


@admin.register(LaggingAccount)
class LaggingAccountAdmin(FactAdmin):
    """The accounts that a candle could not be applied to, with what went wrong."""

    list_display = ["connection", "feed", "traded", "error", "tries", "tried"]
    list_select_related = ["connection", "feed__instrument"]
    empty_hint = "An account is here while a candle cannot be applied to its orders; nobody else waits for it."

    @display(description="Traded through (UTC)", ordering="traded_through")
    def traded(self, row: LaggingAccount) -> object:
        return relative_time(row.traded_through)

    @display(description="Attempts", formatting="price", ordering="attempts")
    def tries(self, row: LaggingAccount) -> int:
        return row.attempts

    @display(description="Last tried (UTC)", ordering="failed_at")
    def tried(self, row: LaggingAccount) -> object:
        return relative_time(row.failed_at)
