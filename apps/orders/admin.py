"""Orders, their events and fills, and the closing of positions, in the console."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from algotrendy.trading.orders import WORKING
from apps.common.console import FactAdmin, act, amount, meter, relative_time, signed, status_badge
from apps.common.console.figures import side_badge
from apps.orders import approving_admin  # noqa: F401 - registers its page
from apps.orders.chain import chain_of
from apps.orders.dialogs import CancelAllForm, CancelForm, CloseForm
from apps.orders.filters import WorkingFilter
from apps.orders.models import Fill, Order, OrderEvent, SeriesCursor
from apps.orders.selectors import fills_of, orders_of
from apps.orders.services.canceling import OrderNotCancelable, order_cancel, position_close
from apps.portfolio.admin import PositionAdmin
from apps.portfolio.models import Position

ORDER = [
    ("instrument", "side_shown", "type_shown"),
    ("quantity_shown", "filled", "average"),
    ("limit", "stop", "lasts"),
    ("portfolio", "strategy", "role"),
]


@admin.register(Order)
class OrderAdmin(FactAdmin):
    """Orders as they are; a person can cancel them and nothing else."""

    visible = staticmethod(orders_of)
    list_display = [
        "reference", "instrument", "side_shown", "type_shown", "quantity_shown", "price_shown", "filled", "state",
        "strategy", "created",
    ]  # fmt: skip
    list_filter = [
        WorkingFilter, "status", "side", "type", "role", "instrument", "strategy", "portfolio",
        ("created_at", RangeDateTimeFilter),
    ]  # fmt: skip
    search_fields = ["client_order_id", "instrument__symbol", "strategy__name"]
    actions_list = ["cancel_all"]
    actions_row = ["cancel_order"]
    actions_detail = ["cancel_order"]
    compressed_fields = False
    change_form_outer_before_template = "console/order_chain.html"
    list_before_template = "console/live_list.html"
    live_topic, live_fields = "orders", ("filled", "state", "price_shown")
    empty_hint = "Enable a strategy, or place an order through the API: every one is listed here from its first moment."
    fieldsets = [
        ("Order", {"fields": ORDER}),
        ("State", {"fields": [("state", "reason_code", "reason"), ("created", "submitted", "closed")]}),
        ("Identity", {"fields": [("client_order_id", "exchange_order_id", "version")]}),
    ]

    def has_cancel_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("orders.change_order")

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        order: Order | None = self.get_object(request, object_id) if object_id else None
        context = {**(extra_context or {}), "chain": chain_of(order) if order else []}
        return super().changeform_view(request, object_id, form_url, context)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        """Offer the cancel only where something is left to cancel."""
        is_working = orders_of(request.user).filter(pk=object_id, status__in=WORKING).exists()
        return super().get_actions_detail(request, object_id) if is_working else []

    @display(description="Order", ordering="client_order_id")
    def reference(self, order: Order) -> object:
        return format_html('<span class="reference" title="{}">#{}</span>', order.client_order_id, str(order.pk)[:8])

    @display(description="Side", ordering="side")
    def side_shown(self, order: Order) -> object:
        return side_badge(order.side)

    @display(description="Type", ordering="type")
    def type_shown(self, order: Order) -> str:
        return order.get_type_display()

    @display(description="Quantity", formatting="price", ordering="quantity")
    def quantity_shown(self, order: Order) -> str:
        return amount(order.quantity, order.instrument.quantity_decimals)

    @display(description="Price", formatting="price")
    def price_shown(self, order: Order) -> str:
        price = order.average_fill_price or order.limit_price or order.stop_price
        return "Market" if price is None else amount(price, order.instrument.price_decimals)

    @display(description="Filled", ordering="filled_quantity")
    def filled(self, order: Order) -> object:
        return meter(order.filled_quantity, order.quantity)

    @display(description="Average price")
    def average(self, order: Order) -> str:
        return amount(order.average_fill_price, order.instrument.price_decimals)

    @display(description="Limit price")
    def limit(self, order: Order) -> str:
        return amount(order.limit_price, order.instrument.price_decimals)

    @display(description="Stop price")
    def stop(self, order: Order) -> str:
        return amount(order.stop_price, order.instrument.price_decimals)

    @display(description="Time in force")
    def lasts(self, order: Order) -> str:
        return order.time_in_force.upper()

    @display(description="Status", ordering="status")
    def state(self, order: Order) -> object:
        return status_badge(order.status, order.get_status_display())

    @display(description="Created (UTC)", ordering="created_at")
    def created(self, order: Order) -> object:
        return relative_time(order.created_at)

    @display(description="Submitted (UTC)")
    def submitted(self, order: Order) -> object:
        return relative_time(order.submitted_at)

    @display(description="Closed (UTC)")
    def closed(self, order: Order) -> object:
        return relative_time(order.closed_at)

    @action(
        description="Cancel order",
        icon="cancel",
        variant=ActionVariant.DANGER,
        permissions=["cancel"],
        dialog={
            "title": "Cancel this order?",
            "description": "The venue may already have filled part of it; what is filled stays.",
            "form_class": CancelForm,
            "form_submit_text": "Cancel order",
            "dismiss_text": "Keep order",
            "is_danger": True,
        },
    )
    def cancel_order(self, request: HttpRequest, form: CancelForm, object_id: str) -> HttpResponse:
        order: Order = form.row
        return act(
            request,
            lambda: order_cancel(order=order, actor=request.user),
            done=f"{form.consequence} Cancellation requested.",
            back=reverse("admin:orders_order_changelist"),
        )

    @action(
        description="Cancel all open",
        icon="block",
        variant=ActionVariant.DANGER,
        permissions=["cancel"],
        dialog={
            "title": "Cancel all open orders?",
            "form_class": CancelAllForm,
            "form_submit_text": "Cancel all open orders",
            "dismiss_text": "Keep orders",
            "is_danger": True,
        },
    )
    def cancel_all(self, request: HttpRequest, form: CancelAllForm) -> HttpResponse:
        def work() -> None:
            for order in form.rows():
                with suppress(OrderNotCancelable):  # It finished meanwhile, which is what was wanted.
                    order_cancel(order=order, actor=request.user)

        return act(
            request,
            work,
            done=f"Cancellation requested: {form.consequence}",
            back=reverse("admin:orders_order_changelist"),
        )


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


@admin.register(Position)
class ClosablePositionAdmin(PositionAdmin):
    """Positions, each with the order that ends it."""

    actions_row = ["close_position"]
    actions_detail = ["close_position"]

    def has_close_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("orders.add_order")

    @action(
        description="Close position",
        icon="logout",
        variant=ActionVariant.DANGER,
        permissions=["close"],
        dialog={
            "title": "Close this position?",
            "form_class": CloseForm,
            "form_submit_text": "Close position",
            "dismiss_text": "Keep position",
            "is_danger": True,
        },
    )
    def close_position(self, request: HttpRequest, form: CloseForm, object_id: str) -> HttpResponse:
        position: Position = form.row
        return act(
            request,
            lambda: position_close(position=position, actor=request.user),
            done=f"Order placed: {form.consequence}",
            back=reverse("admin:portfolio_position_changelist"),
        )
