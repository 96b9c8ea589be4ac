"""Orders in the console: followed, placed, replaced and canceled."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from algotrendy.trading.orders import WORKING
from algotrendy.trading.values import OrderType
from apps.common.console import FactAdmin, act, amount, meter, money, relative_time, status_badge
from apps.common.console.figures import EMPTY, side_badge
from apps.orders.chain import chain_of, links_of
from apps.orders.dialogs import CancelAllForm, CancelForm
from apps.orders.filters import WorkingFilter
from apps.orders.models import Order
from apps.orders.selectors import orders_of
from apps.orders.services.entry.canceling import order_cancel, orders_cancel

from .replacement import ReplaceForm
from .ticket import TicketForm

ORDER = [
    ("instrument", "side_shown", "type_shown"),
    ("quantity_shown", "filled", "average"),
    ("value_asked", "limit", "stop"),
    ("trail", "best", "lasts"),
    ("only", "loss", "target"),
    ("portfolio", "strategy", "role"),
]

OPTIONAL = ("value_asked", "limit", "stop", "trail", "best", "only", "loss", "target")
"""What is shown only where the order has it."""


@admin.register(Order)
class OrderAdmin(FactAdmin):
    """Orders as they are; a person can cancel them and nothing else."""

    visible = staticmethod(orders_of)
    list_display = [
        "reference", "instrument", "side_shown", "type_shown", "quantity_shown", "price_shown", "filled", "state",
        "strategy", "created",
    ]  # fmt: skip
    list_filter = [
        WorkingFilter, "status", "side", "type", "role", "order_class", "instrument", "strategy", "portfolio",
        ("created_at", RangeDateTimeFilter),
    ]  # fmt: skip
    search_fields = ["client_order_id", "instrument__symbol", "strategy__name"]
    actions_list = ["new_order", "cancel_all"]
    actions_row = ["replace_order", "cancel_order"]
    actions_detail = ["replace_order", "cancel_order"]
    compressed_fields = False
    change_form_outer_before_template = "console/order_chain.html"
    list_before_template = "console/live_list.html"
    live_topic, live_fields = "orders", ("filled", "state", "price_shown")
    empty_hint = "Enable a strategy, or place an order: every one is listed here from its first moment."
    fieldsets = [
        ("Order", {"fields": ORDER}),
        ("State", {"fields": [("state", "reason_code", "reason"), ("created", "submitted", "closed")]}),
        ("Identity", {"fields": [("client_order_id", "exchange_order_id", "version"), ("order_class",)]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Order | None = None) -> list[Any]:
        """Leave out the figures that the order does not have."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        lacking = {name for name in OPTIONAL if getattr(self, name)(obj) == EMPTY}
        kept = [tuple(name for name in row if name not in lacking) for row in ORDER]
        return [("Order", {"fields": [row for row in kept if row]}), *fieldsets[1:]]

    def has_cancel_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("orders.change_order")

    def has_place_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("orders.add_order")

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        order: Order | None = self.get_object(request, object_id) if object_id else None
        context = {**(extra_context or {}), "chain": chain_of(order) if order else []}
        context["links"] = links_of(order) if order else []
        return super().changeform_view(request, object_id, form_url, context)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        """Offer to replace and cancel only where something is left to trade."""
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
        if price is None:
            return self.trail(order) if order.type == OrderType.TRAILING_STOP else "Market"
        return amount(price, order.instrument.price_decimals)

    @display(description="Value asked for")
    def value_asked(self, order: Order) -> str:
        return f"{money(order.notional)} {order.portfolio.base_currency}" if order.notional else EMPTY

    @display(description="Trails by")
    def trail(self, order: Order) -> str:
        if order.trail_percent is not None:
            return f"{order.trail_percent.normalize():f} %"
        return amount(order.trail_amount, order.instrument.price_decimals)

    @display(description="Best price seen")
    def best(self, order: Order) -> str:
        return amount(order.best_price, order.instrument.price_decimals)

    @display(description="Only")
    def only(self, order: Order) -> str:
        words = [word for word, holds in (("Post", order.post_only), ("Reduce", order.reduce_only)) if holds]
        return ", ".join(words) or EMPTY

    @display(description="Stop loss")
    def loss(self, order: Order) -> str:
        return amount(order.stop_loss, order.instrument.price_decimals)

    @display(description="Take profit")
    def target(self, order: Order) -> str:
        return amount(order.take_profit, order.instrument.price_decimals)

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
        description="New order",
        icon="add",
        variant=ActionVariant.PRIMARY,
        permissions=["place"],
        dialog={
            "title": "New order",
            "form_class": TicketForm,
            "form_submit_text": "Place order",
            "dismiss_text": "Discard",
        },
    )
    def new_order(self, request: HttpRequest, form: TicketForm) -> HttpResponse:
        return act(
            request,
            lambda: form.place(),
            done=f"Order placed: {form.consequence}",
            back=reverse("admin:orders_order_changelist"),
        )

    @action(
        description="Replace order",
        icon="edit",
        permissions=["cancel"],
        dialog={
            "title": "Replace this order?",
            "description": "The new order is sent once the venue has confirmed the end of this one.",
            "form_class": ReplaceForm,
            "form_submit_text": "Replace order",
            "dismiss_text": "Keep order",
        },
    )
    def replace_order(self, request: HttpRequest, form: ReplaceForm, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: form.place(),
            done="Replacement requested: the new order is held until the venue has confirmed the end of the old one.",
            back=reverse("admin:orders_order_changelist"),
        )

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
        return act(
            request,
            lambda: orders_cancel(actor=request.user, of_all=True),
            done=f"Cancellation requested: {form.consequence}",
            back=reverse("admin:orders_order_changelist"),
        )
