"""What market data takes and shows."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from algotrendy.trading.values import Timeframe
from apps.common.api.serializers import AmountField, RowSerializer, StrictSerializer, UtcDateTimeField
from apps.common.models import choices_of
from apps.marketdata.models import Candle, Feed, Instrument
from apps.marketdata.selectors import FeedState, feed_age, feed_is_stale, feed_state

DEFAULT_CANDLES = 500
MOST_CANDLES = 5000
ROWS, COLUMNS = "rows", "columns"


class InstrumentSerializer(RowSerializer):
    class Meta:
        model = Instrument
        fields = [
            "symbol", "name", "asset_type", "base_currency", "quote_currency", "price_tick", "quantity_step",
            "min_quantity", "min_notional", "contract_size", "is_active",
        ]  # fmt: skip


class FeedSerializer(RowSerializer):
    """A feed; `position` is the open time of its last candle in market time, `last_received_at` when that came."""

    symbol = serializers.CharField(source="instrument.symbol", read_only=True)
    state = serializers.SerializerMethodField()
    is_stale = serializers.SerializerMethodField(help_text="Its newest candle is too old to trade on.")
    age_seconds = serializers.SerializerMethodField(help_text="Since the last candle came; null where none did.")

    class Meta:
        model = Feed
        fields = [
            "id", "symbol", "timeframe", "source", "origin", "enabled", "state", "speed", "position",
            "last_received_at", "age_seconds", "is_stale", "provider", "fallbacks", "last_error",
        ]  # fmt: skip

    def get_state(self, feed: Feed) -> FeedState:
        return feed_state(feed)

    def get_is_stale(self, feed: Feed) -> bool:
        return feed_is_stale(feed, now=timezone.now())

    def get_age_seconds(self, feed: Feed) -> float | None:
        age = feed_age(feed, now=timezone.now())
        return None if age is None else round(age.total_seconds(), 3)


class CandleSerializer(RowSerializer):
    symbol = serializers.CharField(source="instrument.symbol", read_only=True)
    time = UtcDateTimeField(source="open_time", read_only=True)
    close_time = UtcDateTimeField(read_only=True)

    class Meta:
        model = Candle
        fields = [
            "symbol", "timeframe", "source", "time", "close_time", "open", "high", "low", "close", "volume",
            "received_at",
        ]  # fmt: skip


class TimeframeField(serializers.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=choices_of(Timeframe), **kwargs)


class TickerSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The newest price and the day that it ends; the unfinished candle is part of it where there is one."""

    symbol = serializers.CharField()
    timeframe = TimeframeField()
    source = serializers.CharField()  # type: ignore[assignment]
    price = AmountField()
    time = UtcDateTimeField(help_text="When the price was so.")
    is_final = serializers.BooleanField(help_text="False where it is of a candle that is not finished.")
    open = AmountField(help_text="The first price of the day.")
    high = AmountField()
    low = AmountField()
    volume = AmountField()
    change = AmountField(help_text="Since the first price of the day.")
    change_percent = AmountField()


class MoverSerializer(serializers.Serializer):  # type: ignore[type-arg]
    symbol = serializers.CharField()
    price = AmountField()
    change_percent = AmountField()


class MarketSummarySerializer(serializers.Serializer):  # type: ignore[type-arg]
    """All instruments that are fed, at a glance; changes are those of their tickers."""

    instruments = serializers.IntegerField()
    rising = serializers.IntegerField()
    falling = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    gainers = MoverSerializer(many=True)
    losers = MoverSerializer(many=True)
    feeds = serializers.IntegerField(help_text="Enabled ones.")
    stale = serializers.IntegerField(help_text="Feeds whose data is too old to trade on.")


class SpanQuerySerializer(StrictSerializer):
    """Which candles: with a start the oldest from there on, else the newest; always given oldest first."""

    timeframe = TimeframeField()
    source = serializers.RegexField(  # type: ignore[assignment]
        r"^[a-z0-9_-]{1,32}$", required=False, help_text="The enabled feed's, else the newest, where left out."
    )
    start = UtcDateTimeField(required=False, help_text="Open time, inclusive.")
    end = UtcDateTimeField(required=False, help_text="Open time, exclusive.")
    limit = serializers.IntegerField(min_value=1, max_value=MOST_CANDLES, default=DEFAULT_CANDLES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, end = attrs.get("start"), attrs.get("end")
        if start is not None and end is not None and start >= end:
            raise serializers.ValidationError({"start": "The start is not before the end."}, code="invalid_span")
        return attrs


class CandlesQuerySerializer(SpanQuerySerializer):
    format = serializers.ChoiceField(choices=[ROWS, COLUMNS], default=ROWS, help_text="A list a figure, for charts.")


class CandleRowSerializer(serializers.Serializer):  # type: ignore[type-arg]
    time = UtcDateTimeField(help_text="Open time.")
    open = AmountField()
    high = AmountField()
    low = AmountField()
    close = AmountField()
    volume = AmountField()


class CandleColumnsSerializer(serializers.Serializer):  # type: ignore[type-arg]
    time = serializers.ListField(child=serializers.IntegerField(), help_text="Open times in Unix seconds.")
    open = serializers.ListField(child=serializers.FloatField())
    high = serializers.ListField(child=serializers.FloatField())
    low = serializers.ListField(child=serializers.FloatField())
    close = serializers.ListField(child=serializers.FloatField())
    volume = serializers.ListField(child=serializers.FloatField())


class CandlesSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Candles, oldest first: `results` as rows, or `columns`."""

    symbol = serializers.CharField()
    timeframe = TimeframeField()
    source = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="Null where no candle is stored."
    )
    results = CandleRowSerializer(many=True, required=False)
    columns = CandleColumnsSerializer(required=False)
    next = UtcDateTimeField(allow_null=True, help_text="Give it as `start` to read on; null at the end.")
