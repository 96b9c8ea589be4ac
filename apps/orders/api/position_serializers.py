"""What closing and protecting positions takes and shows, and the ledger."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from algotrendy.trading.ledger import LedgerMethod
from algotrendy.trading.orders import MIN_AMOUNT
from algotrendy.trading.values import PositionSide
from apps.common.api.serializers import AmountField, OwnedField, StrictSerializer, UtcDateTimeField
from apps.common.models import choices_of
from apps.marketdata.api.fields import InstrumentField
from apps.orders.models import validate_client_order_id
from apps.portfolio.selectors import portfolios_of

from .serializers import KeyedSerializer, OrderSerializer

NOTHING_ASKED = "Give stop_loss, take_profit, trail_amount or trail_percent."
MOST_ROWS = 1000


class PositionCloseSerializer(KeyedSerializer):
    """How much to close; all of it where nothing is said."""

    quantity = AmountField(required=False, min_value=MIN_AMOUNT)
    client_order_id = serializers.CharField(required=False, validators=[validate_client_order_id])


class CloseAllSerializer(KeyedSerializer):
    """Which positions; all of one's own where nothing is said. The id makes the same request count once."""

    portfolio = OwnedField(selector=portfolios_of, what="portfolio", required=False)
    symbol = InstrumentField(source="instrument", required=False)
    book = serializers.CharField(required=False, max_length=64, help_text="A strategy's slug, or manual.")


class NotClosedSerializer(serializers.Serializer):  # type: ignore[type-arg]
    position = serializers.UUIDField(source="position.pk")
    symbol = serializers.CharField(source="position.instrument.symbol")
    code = serializers.CharField()
    reason = serializers.CharField()


class ClosingSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The orders that close positions, and what could not be closed."""

    orders = OrderSerializer(many=True)
    failed = NotClosedSerializer(many=True)


class ProtectionSerializer(StrictSerializer):
    """What is to be different; null takes a stop loss or take profit away."""

    stop_loss = AmountField(required=False, allow_null=True)
    take_profit = AmountField(required=False, allow_null=True)
    trail_amount = AmountField(required=False, help_text="In place of a stop loss: how far it stays behind the price.")
    trail_percent = AmountField(required=False, help_text="The same in percent of the price.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(NOTHING_ASKED, code="nothing_to_change")
        return attrs


class LedgerFileQuerySerializer(StrictSerializer):
    method = serializers.ChoiceField(
        choices=choices_of(LedgerMethod), default=LedgerMethod.AVERAGE.value,
        help_text="First in, first out, or average cost.",
    )  # fmt: skip
    since = UtcDateTimeField(required=False, help_text="Market time of the closing, inclusive.")
    until = UtcDateTimeField(required=False, help_text="Market time of the closing, exclusive.")

    def validate_method(self, value: str) -> LedgerMethod:
        return LedgerMethod(value)


class LedgerQuerySerializer(LedgerFileQuerySerializer):
    limit = serializers.IntegerField(default=200, min_value=1, max_value=MOST_ROWS, help_text="Rows shown.")


class LedgerRowSerializer(serializers.Serializer):  # type: ignore[type-arg]
    symbol = serializers.CharField()
    book = serializers.CharField()
    side = serializers.ChoiceField(choices=choices_of(PositionSide))
    quantity = AmountField()
    entry_price = AmountField()
    exit_price = AmountField()
    gross = AmountField()
    fees = AmountField()
    net = AmountField()
    opened_at = UtcDateTimeField()
    closed_at = UtcDateTimeField()
    holding_seconds = serializers.IntegerField()


class LedgerSerializer(serializers.Serializer):  # type: ignore[type-arg]
    method = serializers.ChoiceField(choices=choices_of(LedgerMethod))
    gross = AmountField()
    fees = AmountField()
    net = AmountField()
    count = serializers.IntegerField()
    results = LedgerRowSerializer(many=True)
