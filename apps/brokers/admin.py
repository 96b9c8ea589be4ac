"""Connections to venues, and the paper venue's book, in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from apps.brokers.dialogs import RemoveForm, SetForm, TestForm, key_told
from apps.brokers.forms import EXCHANGE_ONLY, ConnectionForm, conditions
from apps.brokers.models import BrokerConnection, PaperOrder, PaperTrade
from apps.brokers.selectors import connections_of
from apps.brokers.services import (
    connection_change,
    connection_create,
    connection_test_ask,
    credentials_remove,
    credentials_set,
)
from apps.brokers.services.connections import PAPER_ONLY
from apps.common.console import FactAdmin, act, amount, relative_time, status_badge
from apps.common.console.admin import OwnedByService
from apps.common.console.figures import EMPTY, side_badge

MONEY = {
    "paper": ("retry", "Paper"),
    "sandbox": ("open", "Sandbox"),
    "live": ("failed", "Live"),
    "off": ("disabled", "Off"),
}
"""The badge of each sort of money."""
FACTS = ["money_shown", "key_shown", "rights_shown", "tested"]
CHANGE = "admin:brokers_brokerconnection_change"


@admin.register(BrokerConnection)
class BrokerConnectionAdmin(OwnedByService):
    """Accounts at venues; traders open theirs, administrators see all."""

    form = ConnectionForm
    visible = staticmethod(connections_of)
    list_display = ["name", "owner", "venue", "money_shown", "key_shown", "rights_shown", "tested", "costs", "created"]
    list_filter = ["kind", "exchange", "is_live", "is_active"]
    search_fields = ["name", "exchange", "owner__username"]
    actions_detail = ["test_connection", "set_credentials", "remove_credentials"]
    change_form_outer_before_template = "console/connection_test.html"
    empty_hint = "Add a connection: the paper venue trades without money, an exchange needs a key of yours."

    @property
    def conditional_fields(self) -> dict[str, str]:
        return conditions()

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["name", "kind", *EXCHANGE_ONLY, *PAPER_ONLY]})]
        if obj.is_paper:  # type: ignore[attr-defined]
            return [(None, {"fields": ["name", "owner", "kind", "is_active"]}), ("Paper venue", {"fields": PAPER_ONLY})]
        own = ["name", "owner", ("exchange", "market_type"), "is_active", "sandbox", "is_live", "money_shown"]
        return [(None, {"fields": own})]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [*FACTS, "owner"] if obj is None else [*FACTS, "owner", "kind", "exchange", "market_type"]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        connection: BrokerConnection | None = self.get_object(request, object_id) if object_id else None
        shown = None if connection is None or connection.is_paper else connection
        rests = [] if shown is None else [each.replace("_", "-") for each in shown.test_told["rests"]]
        waits = shown is not None and shown.is_being_tested
        context = {**(extra_context or {}), "connection": shown, "waits": waits, "rests": ", ".join(rests)}
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: BrokerConnection, form: Any, change: bool) -> None:
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            connection_change(connection=obj, actor=request.user, **changes)
            return
        made = connection_create(owner=request.user, **form.asked())
        obj.__dict__.update(made.__dict__)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        """Offer what concerns a key where there can be one."""
        connection = self.get_queryset(request).filter(pk=object_id).first()
        if connection is None or connection.is_paper:
            return []
        offered = super().get_actions_detail(request, object_id)
        return offered if connection.has_credentials else [each for each in offered if each.path == "set_credentials"]

    @display(description="Venue", ordering="exchange")
    def venue(self, connection: BrokerConnection) -> str:
        if connection.is_paper:
            return connection.get_kind_display()
        return f"{connection.exchange}, {connection.get_market_type_display().lower()}"

    @display(description="Money", ordering="is_live")
    def money_shown(self, connection: BrokerConnection) -> object:
        return status_badge(*MONEY[connection.money])

    @display(description="Key", ordering="key_hint")
    def key_shown(self, connection: BrokerConnection) -> str:
        return key_told(connection) if connection.has_credentials else EMPTY

    @display(description="Rights")
    def rights_shown(self, connection: BrokerConnection) -> object:
        found = connection.test_told
        if connection.is_paper or not found["ok"]:
            return EMPTY
        if found["can_withdraw"]:
            return status_badge("failed", "May withdraw")
        words = [word for word in ("read", "trade") if found[f"can_{word}"]]
        return ", ".join(words).capitalize()

    @display(description="Last test (UTC)", ordering="tested_at")
    def tested(self, connection: BrokerConnection) -> object:
        found = connection.test_told
        if connection.tested_at is None or found["ok"]:
            return relative_time(connection.tested_at)
        return status_badge("failed", "Failed")

    @display(description="Fee and slippage", formatting="price")
    def costs(self, connection: BrokerConnection) -> str:
        if not connection.is_paper:
            return "The exchange's"
        rates = (connection.commission_rate, connection.slippage_rate)
        return " + ".join(f"{(rate * 100).normalize():f} %" for rate in rates)

    @display(description="Created (UTC)", ordering="created_at")
    def created(self, connection: BrokerConnection) -> object:
        return relative_time(connection.created_at)

    def has_key_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("brokers.change_brokerconnection")

    @action(
        description="Set credentials",
        icon="key",
        permissions=["key"],
        dialog={"title": "Set credentials", "form_class": SetForm, "form_submit_text": "Set credentials"},
    )
    def set_credentials(self, request: HttpRequest, form: SetForm, object_id: str) -> HttpResponse:
        given = {name: form.cleaned_data[name] for name in ("key", "secret", "password")}
        return act(
            request,
            lambda: credentials_set(connection=form.row, actor=request.user, **given),
            done=f"{form.row} has its key. Test the connection to see what it may do.",
            back=reverse(CHANGE, args=[object_id]),
        )

    @action(
        description="Remove credentials",
        icon="key_off",
        variant=ActionVariant.DANGER,
        permissions=["key"],
        dialog={
            "title": "Remove the credentials?",
            "form_class": RemoveForm,
            "form_submit_text": "Remove credentials",
            "dismiss_text": "Keep the key",
            "is_danger": True,
        },
    )
    def remove_credentials(self, request: HttpRequest, form: RemoveForm, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: credentials_remove(connection=form.row, actor=request.user),
            done=f"{form.row} has no key any more.",
            back=reverse(CHANGE, args=[object_id]),
        )

    @action(
        description="Test connection",
        icon="network_check",
        variant=ActionVariant.PRIMARY,
        permissions=["key"],
        dialog={"title": "Test this connection?", "form_class": TestForm, "form_submit_text": "Test connection"},
    )
    def test_connection(self, request: HttpRequest, form: TestForm, object_id: str) -> HttpResponse:
        return act(
            request,
            lambda: connection_test_ask(connection=form.row, actor=request.user),
            done="The exchange is being asked; its answer appears here.",
            back=reverse(CHANGE, args=[object_id]),
        )


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
