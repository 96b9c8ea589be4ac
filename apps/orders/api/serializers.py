"""What orders take and show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from algotrendy.trading.orders import MIN_AMOUNT, OrderIntent
from algotrendy.trading.values import ZERO, OrderType, Side, TimeInForce
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
from apps.orders.models import Fill, Order, OrderClass, OrderEvent, validate_client_order_id
from apps.portfolio.selectors import portfolios_of
from apps.strategies.selectors import strategies_of

NO_ID = (
    "Give every order a client_order_id of your own, or the header Idempotency-Key, so that sending it again "
    "cannot place it twice."
)
TWO_IDS = "The header Idempotency-Key names another id than the body; give one of them."


LIST_CLASSES = [(kind.value, kind.label) for kind in (OrderClass.OCO, OrderClass.OTO)]
NO_SIZE = "Give a quantity, or a notional in the quote currency."
TWO_SIZES = "Give a quantity or a notional, not both."


class KeyedSerializer(StrictSerializer):
    """An input that carries an id of the caller's, in the body or as the header Idempotency-Key."""

    client_order_id = serializers.CharField(
        validators=[validate_client_order_id], error_messages={"required": NO_ID},
        help_text="Unique among your orders; the header Idempotency-Key may stand for it.",
    )  # fmt: skip

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(_keyed(data, self.context["request"]))


class IntentSerializer(StrictSerializer):
    """What is to be traded and how; prices and quantities are best given as strings."""

    side = serializers.ChoiceField(choices=choices_of(Side))
    type = serializers.ChoiceField(choices=choices_of(OrderType))
    quantity = AmountField(required=False, allow_null=True)
    notional = AmountField(
        required=False, allow_null=True, min_value=MIN_AMOUNT,
        help_text="In the quote currency, in place of a quantity.",
    )  # fmt: skip
    limit_price = AmountField(required=False, allow_null=True)
    stop_price = AmountField(required=False, allow_null=True)
    trail_amount = AmountField(required=False, allow_null=True, help_text="How far a trailing stop stays behind.")
    trail_percent = AmountField(required=False, allow_null=True, help_text="The same in percent of the price.")
    time_in_force = serializers.ChoiceField(choices=choices_of(TimeInForce), default=TimeInForce.GTC.value)
    expires_at = UtcDateTimeField(required=False, allow_null=True, help_text="With time in force gtd only.")
    reduce_only = serializers.BooleanField(default=False)
    stop_loss = AmountField(required=False, allow_null=True, help_text="Protects the position that it opens.")
    take_profit = AmountField(required=False, allow_null=True)
    post_only = serializers.BooleanField(default=False, help_text="Limit orders: never take.")

    def to_internal_value(self, data: Any) -> Any:
        values = super().to_internal_value(data)
        sizes = [name for name in ("quantity", "notional") if values.get(name) is not None]
        if len(sizes) == 1 or (not sizes and isinstance(self.parent, serializers.ListSerializer)):
            return values
        message, code = (TWO_SIZES, "two_sizes") if sizes else (NO_SIZE, "required")
        raise serializers.ValidationError({"quantity": message}, code=code)


class OrderCreateSerializer(KeyedSerializer, IntentSerializer):
    """An order."""

    portfolio = OwnedField(selector=portfolios_of, what="portfolio")
    symbol = InstrumentField(source="instrument")
    metadata = JSONObjectField(default=dict)


class OrderListCreateSerializer(KeyedSerializer):
    """Linked orders: two of which one cancels the other (oco), or a primary and what its fill lets go (oto)."""

    portfolio = OwnedField(selector=portfolios_of, what="portfolio")
    symbol = InstrumentField(source="instrument")
    order_class = serializers.ChoiceField(choices=LIST_CLASSES)
    orders = IntentSerializer(
        many=True,
        min_length=2,
        max_length=3,
        help_text="Of an oto the primary first; the others may leave the size out.",
    )
    client_order_id = serializers.CharField(
        max_length=98, validators=[validate_client_order_id], error_messages={"required": NO_ID},
        help_text="The list's own; its orders get it with -1, -2, -3.",
    )  # fmt: skip
    metadata = JSONObjectField(default=dict)


class ReplaceSerializer(KeyedSerializer):
    """What is to be different; the quantity counts what the order has filled already."""

    quantity = AmountField(required=False, allow_null=True)
    limit_price = AmountField(required=False, allow_null=True)
    stop_price = AmountField(required=False, allow_null=True)
    trail_amount = AmountField(required=False, allow_null=True)
    trail_percent = AmountField(required=False, allow_null=True)


class CancelAllSerializer(StrictSerializer):
    """Which orders; all of one's own where nothing is said."""

    portfolio = OwnedField(selector=portfolios_of, what="portfolio", required=False)
    symbol = InstrumentField(source="instrument", required=False)
    strategy = OwnedField(selector=strategies_of, what="strategy", required=False)
    side = serializers.ChoiceField(choices=choices_of(Side), required=False)


def intent_of(asked: Mapping[str, Any]) -> OrderIntent:
    """Return the checked input's part that the core knows."""
    return OrderIntent(
        side=Side(asked["side"]),
        type=OrderType(asked["type"]),
        quantity=asked.get("quantity") or ZERO,
        notional=asked.get("notional"),
        limit_price=asked.get("limit_price"),
        stop_price=asked.get("stop_price"),
        time_in_force=TimeInForce(asked["time_in_force"]),
        expires_at=asked.get("expires_at"),
        trail_amount=asked.get("trail_amount"),
        trail_percent=asked.get("trail_percent"),
        post_only=asked["post_only"],
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
            "time_in_force", "quantity", "notional", "filled_quantity", "remaining_quantity", "limit_price",
            "stop_price", "trail_amount", "trail_percent", "best_price", "average_fill_price", "reference_price",
            "post_only", "reduce_only", "stop_loss", "take_profit", "fees_paid", "role", "book", "strategy", "signal",
            "order_class", "parent", "oco_group", "replaces", "reason_code", "reason", "expires_at",
            "cancel_requested_at", "submitted_at", "closed_at", "created_at", "updated_at", "version", "metadata",
        ]  # fmt: skip
        reads = {"remaining_quantity": ["quantity", "filled_quantity"]}


class PlacedListSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Linked orders as they were committed."""

    client_order_id = serializers.CharField()
    order_class = serializers.ChoiceField(choices=LIST_CLASSES)
    orders = OrderSerializer(many=True)


class CanceledSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Orders whose end was asked for; each one's status tells whether it has ended yet."""

    count = serializers.IntegerField()
    orders = OrderSerializer(many=True)


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
    replaced_by = serializers.PrimaryKeyRelatedField(read_only=True, allow_null=True)

    class Meta(OrderSerializer.Meta):
        fields = [*OrderSerializer.Meta.fields, "replaced_by", "events", "fills"]
