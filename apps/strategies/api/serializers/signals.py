from __future__ import annotations

from rest_framework import serializers

from apps.common.api.serializers import RowSerializer
from apps.strategies.models import Signal, SignalSource


class SignalSerializer(RowSerializer):
    """A signal and what became of it. `expires_at` is until when it may be approved, null where it need not be."""

    source = serializers.ChoiceField(choices=SignalSource.choices, read_only=True)
    strategy_name = serializers.CharField(source="strategy.name", read_only=True)
    symbol = serializers.CharField(source="strategy.instrument.symbol", read_only=True)
    decided_by = serializers.CharField(
        source="decided_by.username",
        allow_null=True,
        read_only=True,
        help_text="Who approved or declined.",
    )

    class Meta:
        model = Signal
        fields = [
            "id", "strategy", "strategy_name", "strategy_version", "symbol", "source", "action", "confidence", "price",
            "quantity", "stop_loss", "take_profit", "reason", "outcome", "outcome_reason", "expires_at", "decided_by",
            "decided_at", "candle_open_time", "at", "created_at",
        ]  # fmt: skip
