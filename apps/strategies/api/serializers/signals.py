from __future__ import annotations

from rest_framework import serializers

from apps.common.api.serializers import RowSerializer
from apps.strategies.models import Signal


class SignalSerializer(RowSerializer):
    strategy_name = serializers.CharField(source="strategy.name", read_only=True)
    symbol = serializers.CharField(source="strategy.instrument.symbol", read_only=True)

    class Meta:
        model = Signal
        fields = [
            "id", "strategy", "strategy_name", "strategy_version", "symbol", "action", "confidence", "price",
            "stop_loss", "take_profit", "reason", "outcome", "outcome_reason", "candle_open_time", "at", "created_at",
        ]  # fmt: skip
