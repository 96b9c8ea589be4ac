"""What orders take and show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side, TimeInForce
from apps.common.api.serializers import (
    AmountField,
    JSONObjectField,
    OwnedField,
    RowSerializer,
    StrictSerializer,
    UtcDateTimeField,
)
from apps.common.models import choices_of
from apps.marketdata.api.fields import InstrumentField
from apps.orders.models import Fill, Order, OrderEvent, validate_client_order_id
from apps.portfolio.selectors import portfolios_of

NO_ID = (
    "Give every order a client_order_id of your own, or the header Idempotency-Key, so that sending it again "
    "cannot place it twice."
)
TWO_IDS = "The header Idempotency-Key names another id than the body; give one of them."


class OrderCreateSerializer(StrictSerializer):
    """An order; prices and quantities are best given as strings."""

    portfolio = OwnedField(selector=portfolios_of, what="portfolio")
    symbol = InstrumentField(source="instrument")
    side = serializers.ChoiceField(choices=choices_of(Side))
    type = serializers.ChoiceField(choices=choices_of(OrderType))
    quantity = AmountField()
    limit_price = AmountField(required=False, allow_null=True)
    stop_price = AmountField(required=False, allow_null=True)
    time_in_force = serializers.ChoiceField(choices=choices_of(TimeInForce), default=TimeInForce.GTC.value)
    expires_at = UtcDateTimeField(required=False, allow_null=True, help_text="With time in force gtd only.")
    reduce_only = serializers.BooleanField(default=False)
    stop_loss = AmountField(required=False, allow_null=True, help_text="Protects the position that it opens.")
    take_profit = AmountField(required=False, allow_null=True)
    client_order_id = serializers.CharField(
        validators=[validate_client_order_id], error_messages={"required": NO_ID},
        help_text="Unique among your orders; the header Idempotency-Key may stand for it.",
    )  # fmt: skip
    metadata = JSONObjectField(default=dict)

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(_keyed(data, self.context["request"]))


def intent_of(asked: Mapping[str, Any]) -> OrderIntent:
    """Return the checked input's part that the core knows."""
    return OrderIntent(
        side=Side(asked["side"]),
        type=OrderType(asked["type"]),
        quantity=asked["quantity"],
        limit_price=asked.get("limit_price"),
        stop_price=asked.get("stop_price"),
        time_in_force=TimeInForce(asked["time_in_force"]),
        expires_at=asked.get("expires_at"),
        reduce_only=asked["reduce_only"],
        stop_loss=asked.get("stop_loss"),
        take_profit=asked.get("take_profit"),
    )


def _keyed(data: Any, request: Request) -> Any:
    """Return the body with the header's id where it has none itself."""
    key = request.headers.get("Idempotency-Key")
    if key is None or not isinstance(data, Mapping):
        return data
    if data.get("client_order_id", key) != key:
        raise serializers.ValidationError({"client_order_id": TWO_IDS}, code="two_ids")
    return {**data, "client_order_id": key}


class OrderSerializer(RowSerializer):
    symbol = serializers.CharField(source="instrument.symbol", read_only=True)
    remaining_quantity = AmountField(read_only=True)
    metadata = serializers.DictField(read_only=True)

    class Meta:
        model = Order
        fields = [
            "id", "client_order_id", "exchange_order_id", "portfolio", "symbol", "side", "type", "status",
            "time_in_force", "quantity", "filled_quantity", "remaining_quantity", "limit_price", "stop_price",
            "average_fill_price", "reference_price", "reduce_only", "stop_loss", "take_profit", "fees_paid", "role",
            "book", "strategy", "signal", "parent", "reason_code", "reason", "expires_at", "cancel_requested_at",
            "submitted_at", "closed_at", "created_at", "updated_at", "version", "metadata",
        ]  # fmt: skip
        reads = {"remaining_quantity": ["quantity", "filled_quantity"]}


class EventSerializer(RowSerializer):
    detail = serializers.DictField(read_only=True)

    class Meta:
        model = OrderEvent
        fields = ["version", "kind", "from_status", "to_status", "detail", "correlation_id", "at"]


class FillSerializer(RowSerializer):
    symbol = serializers.CharField(source="order.instrument.symbol", read_only=True)

    class Meta:
        model = Fill
        fields = [
            "id", "order", "position", "symbol", "exchange_trade_id", "side", "price", "quantity", "quote_quantity",
            "fee", "fee_currency", "realized_pnl", "executed_at", "created_at",
        ]  # fmt: skip


class OrderDetailSerializer(OrderSerializer):
    events = EventSerializer(many=True, read_only=True)
    fills = FillSerializer(many=True, read_only=True)

    class Meta(OrderSerializer.Meta):
        fields = [*OrderSerializer.Meta.fields, "events", "fills"]
