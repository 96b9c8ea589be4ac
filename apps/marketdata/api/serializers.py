"""The form of market data."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from algotrendy.trading.values import Timeframe
from apps.common.api.serializers import AmountField, UtcDateTimeField
from apps.marketdata.models import Candle, Feed, Instrument
from apps.marketdata.selectors import feed_state

MAX_CANDLES = 5000


class InstrumentSerializer(serializers.ModelSerializer[Instrument]):
    price_tick = AmountField()
    quantity_step = AmountField()
    min_quantity = AmountField()
    min_notional = AmountField()
    contract_size = AmountField()

    class Meta:
        model = Instrument
        fields = (
            "symbol",
            "name",
            "asset_type",
            "base_currency",
            "quote_currency",
            "price_tick",
            "quantity_step",
            "min_quantity",
            "min_notional",
            "contract_size",
            "is_active",
        )


class CandleQuerySerializer(serializers.Serializer[Any]):
    """Which candles: with a start the oldest from there on, else the newest; `end` is not included."""

    timeframe = serializers.ChoiceField(choices=[frame.value for frame in Timeframe])
    source = serializers.CharField(required=False, max_length=32, help_text="Default: the enabled feed's.")
    start = UtcDateTimeField(required=False)
    end = UtcDateTimeField(required=False)
    limit = serializers.IntegerField(default=500, min_value=1, max_value=MAX_CANDLES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "start" in attrs and "end" in attrs and attrs["start"] >= attrs["end"]:
            raise serializers.ValidationError({"start": "It must be before end."}, code="start_after_end")
        return attrs


class CandleSerializer(serializers.ModelSerializer[Candle]):
    """A finished candle; `time` is when it opened."""

    time = UtcDateTimeField(source="open_time")
    open = AmountField()
    high = AmountField()
    low = AmountField()
    close = AmountField()
    volume = AmountField()

    class Meta:
        model = Candle
        fields = ("time", "open", "high", "low", "close", "volume")


class SeriesSerializer(serializers.Serializer[Any]):
    """Candles of one source, oldest first; read on with `next` as `start` while it is not null."""

    symbol = serializers.CharField()
    timeframe = serializers.CharField()
    source = serializers.CharField(allow_null=True)
    results = CandleSerializer(many=True)
    next = UtcDateTimeField(allow_null=True)


class LatestSerializer(CandleSerializer):
    """The candle that closed last."""

    symbol = serializers.CharField(source="instrument.symbol")
    received_at = UtcDateTimeField()

    class Meta:
        model = Candle
        fields = ("symbol", "timeframe", "source", *CandleSerializer.Meta.fields, "received_at")


class FeedSerializer(serializers.ModelSerializer[Feed]):
    symbol = serializers.CharField(source="instrument.symbol")
    state = serializers.SerializerMethodField()
    position = UtcDateTimeField(allow_null=True)
    last_received_at = UtcDateTimeField(allow_null=True)

    class Meta:
        model = Feed
        fields = (
            "id",
            "symbol",
            "timeframe",
            "source",
            "origin",
            "enabled",
            "state",
            "speed",
            "position",
            "last_received_at",
            "last_error",
        )

    def get_state(self, feed: Feed) -> str:
        return feed_state(feed).value
