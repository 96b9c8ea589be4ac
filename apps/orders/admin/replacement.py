"""The dialog that puts another order in an order's place."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from algotrendy.trading.errors import TradingError
from algotrendy.trading.orders import OrderStatus
from apps.common.console import ConfirmForm, amount
from apps.orders.dialogs import sentence
from apps.orders.models import Order, validate_client_order_id
from apps.orders.selectors import orders_of
from apps.orders.services.entry.replacing import order_replace, replacement_check

from .ticket import figure

FIGURES = ("quantity", "limit_price", "stop_price", "trail_amount", "trail_percent")


class ReplaceForm(ConfirmForm):
    """Ask for the figures of the order that is to come in this one's place; only those that the order has."""

    quantity = figure("Quantity", required=True, help_text="In all, with what is filled already.")
    limit_price = figure("Limit price", required=True)
    stop_price = figure("Stop price", required=True)
    trail_amount = figure("Trails by (price)", required=True)
    trail_percent = figure("Trails by (percent)", required=True)
    client_order_id = forms.CharField(widget=forms.HiddenInput, validators=[validate_client_order_id])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        order: Order = self.row
        for name in FIGURES:
            value = getattr(order, name)
            if value is None:
                del self.fields[name]
            else:
                self.fields[name].initial = f"{value.normalize():f}"
        self.fields["client_order_id"].initial = f"repl-{uuid.uuid4().hex}"
        if not self.may_submit:
            self.fields = {name: field for name, field in self.fields.items() if field.widget.is_hidden}

    def rows(self) -> QuerySet[Order]:
        return orders_of(self.request.user)

    def describe(self) -> list[tuple[str, object]]:
        order: Order = self.row
        self.consequence = f"{sentence(order)}: it ends, and the new order goes for what is left."
        if not OrderStatus(order.status).is_working:
            self.may_submit = False
            self.consequence = f"The order is {order.get_status_display().lower()}: nothing is left to replace."
        elif order.cancel_requested_at is not None:
            self.may_submit = False
            self.consequence = "The order is ending already: replace the one that comes in its place."
        return [
            ("Order", f"#{str(order.pk)[:8]}"),
            ("Instrument", f"{order.get_side_display()} {order.instrument}, {order.get_type_display().lower()}"),
            ("Filled", amount(order.filled_quantity, order.instrument.quantity_decimals)),
        ]

    def clean(self) -> dict[str, Any] | None:
        asked = super().clean()
        if not self.errors:
            try:
                refusal = replacement_check(order=self.row, **self.changes())
            except TradingError as error:
                raise ValidationError(error.message, code=error.code) from error
            if refusal is not None:
                raise ValidationError(refusal.message, code=refusal.code)
        return asked

    def changes(self) -> dict[str, Decimal]:
        """Return the figures that differ from the order's."""
        asked = {name: self.cleaned_data.get(name) for name in FIGURES}
        return {name: new for name, new in asked.items() if new is not None and new != getattr(self.row, name)}

    def place(self) -> None:
        key = self.cleaned_data["client_order_id"]
        order_replace(order=self.row, actor=self.request.user, client_order_id=key, **self.changes())
