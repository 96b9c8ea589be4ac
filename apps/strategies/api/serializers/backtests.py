"""What backtests take and show. Figures are numbers, shares not percent; null where there is none."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from algotrendy.trading.backtest.config import FillAt, SizingRule
from algotrendy.trading.signals import Direction
from algotrendy.trading.values import Timeframe
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
from apps.strategies.models import Backtest
from apps.strategies.selectors import strategies_of

MOST_INSTRUMENTS = 20
SETUP = [
    "rule", "parameters", "symbols", "timeframe", "source", "start", "end", "direction", "sizing_rule", "sizing_value",
    "min_confidence", "protect", "stop_percent", "target_percent", "trail_percent", "limit_percent", "limit_candles",
    "initial_cash", "commission_rate", "slippage_rate", "fill_at", "risk_limits", "as_live",
]  # fmt: skip
STATE = [
    "status", "progress", "stage", "error_code", "error", "attempts", "created_at", "started_at", "finished_at",
]  # fmt: skip
SUMMARY = [
    "verdict", "final_equity", "total_return", "annual_return", "sharpe", "max_drawdown", "profit_factor", "win_rate",
    "trade_count",
]  # fmt: skip


class SetupSerializer(StrictSerializer):
    """What is traded and how; what is left out has the defaults that the schema of the answer shows."""

    rule = serializers.CharField(max_length=64, required=False, help_text="One of `/api/strategies/rules`.")
    parameters = JSONObjectField(required=False)
    symbols = serializers.ListField(
        child=InstrumentField(), required=False, min_length=1, max_length=MOST_INSTRUMENTS, source="instruments"
    )
    timeframe = serializers.ChoiceField(choices=choices_of(Timeframe), required=False)
    source = serializers.CharField(max_length=16, required=False, help_text="Whose candles; else the longest series.")
    start = UtcDateTimeField(required=False, allow_null=True, help_text="First candle; null for the oldest.")
    end = UtcDateTimeField(required=False, allow_null=True, help_text="End, not included; null for the newest.")
    direction = serializers.ChoiceField(choices=choices_of(Direction), required=False)
    sizing_rule = serializers.ChoiceField(choices=choices_of(SizingRule), required=False)
    sizing_value = AmountField(required=False, help_text="Percent, or a quantity.")
    min_confidence = serializers.FloatField(min_value=0, max_value=1, required=False)
    protect = serializers.BooleanField(required=False, help_text="Use the rule's own stops and targets.")
    stop_percent = AmountField(required=False, min_value=0, max_value=100, max_digits=8, decimal_places=4)
    target_percent = AmountField(required=False, min_value=0, max_value=100, max_digits=8, decimal_places=4)
    trail_percent = AmountField(required=False, min_value=0, max_value=100, max_digits=8, decimal_places=4)
    limit_percent = AmountField(required=False, min_value=0, max_value=100, max_digits=8, decimal_places=4)
    limit_candles = serializers.IntegerField(required=False, min_value=1, max_value=10_000)
    initial_cash = AmountField(required=False)
    commission_rate = AmountField(required=False, help_text="Share of a fill's value: 0.001 is 0.1 %.")
    slippage_rate = AmountField(required=False)
    fill_at = serializers.ChoiceField(choices=choices_of(FillAt), required=False)
    risk_limits = serializers.BooleanField(required=False)
    as_live = serializers.BooleanField(required=False)


class BacktestCreateSerializer(SetupSerializer):
    """A configured strategy gives what is left out; without one, rule, symbols and timeframe are needed."""

    name = serializers.CharField(max_length=120, required=False)
    strategy = OwnedField(selector=strategies_of, what="strategy", required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "strategy" not in attrs:
            require(attrs, {"rule": "rule", "instruments": "symbols", "timeframe": "timeframe"})
        return attrs


def require(attrs: dict[str, Any], names: dict[str, str]) -> None:
    """Raise a ValidationError for each of these fields that is missing."""
    missing = {field: ["This field is required."] for name, field in names.items() if name not in attrs}
    if missing:
        raise serializers.ValidationError(missing, code="required")


class SymbolsField(serializers.ListField):
    """The symbols of the instruments, in order."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.CharField(), read_only=True, source="instruments.all", **kwargs)

    def to_representation(self, data: Any) -> list[str]:
        return sorted(instrument.symbol for instrument in data)


class BacktestSerializer(RowSerializer):
    symbols = SymbolsField()
    parameters = serializers.DictField(read_only=True)

    class Meta:
        model = Backtest
        fields = ["id", "name", "strategy", *SETUP, *STATE, *SUMMARY]


class BacktestDetailSerializer(BacktestSerializer):
    """With every figure, once it is completed."""

    figures = serializers.SerializerMethodField()

    class Meta(BacktestSerializer.Meta):
        fields = [*BacktestSerializer.Meta.fields, "figures"]

    def get_figures(self, backtest: Backtest) -> dict[str, Any] | None:
        """Every figure by its group: performance, comparison, trades, exits, months, underwater, honesty, books."""
        result = getattr(backtest, "result", None)
        return None if result is None else {k: v for k, v in result.figures.items() if k != "sections"}


class BacktestTradeSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A round trip; times are when the fills happened, `share` is the profit over the entry's value."""

    number = serializers.IntegerField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=["long", "short"])
    quantity = serializers.FloatField()
    entry_time = UtcDateTimeField()
    entry_price = serializers.FloatField()
    exit_time = UtcDateTimeField()
    exit_price = serializers.FloatField()
    exit_reason = serializers.CharField()
    fees = serializers.FloatField()
    pnl = serializers.FloatField()
    share = serializers.FloatField()
    mae = serializers.FloatField(help_text="Worst move against the trade, a share of its price.")
    mfe = serializers.FloatField(help_text="Best move for the trade, a share of its price.")
    duration_seconds = serializers.IntegerField()


class NumberedCursorField(serializers.IntegerField):
    """How many rows to leave out; no list is as long as what a database cannot count."""

    def __init__(self) -> None:
        super().__init__(min_value=0, max_value=2**31 - 1, default=0, help_text="The page before's `next`.")


class PageQuerySerializer(StrictSerializer):
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    cursor = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, default=0, help_text="The page before's `next`."
    )


class BacktestTradesSerializer(serializers.Serializer):  # type: ignore[type-arg]
    results = BacktestTradeSerializer(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="Give it as `cursor` to read on; null on the last page.")


class CurveQuerySerializer(StrictSerializer):
    points = serializers.IntegerField(
        min_value=2, max_value=5000, default=1000, help_text="Of a longer curve the lowest and highest are kept."
    )


class CurveSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Columns of one length: Unix seconds, worth, cash, share lost since the peak, and buying and holding."""

    candles = serializers.IntegerField(help_text="How many the whole curve has.")
    time = serializers.ListField(child=serializers.IntegerField())
    equity = serializers.ListField(child=serializers.FloatField())
    cash = serializers.ListField(child=serializers.FloatField())
    drawdown = serializers.ListField(child=serializers.FloatField())
    held = serializers.ListField(child=serializers.FloatField())


class CompareQuerySerializer(StrictSerializer):
    ids = serializers.CharField(help_text="2 to 10 backtests, separated by commas.")


class BacktestComparisonSerializer(serializers.Serializer):  # type: ignore[type-arg]
    backtests = BacktestSerializer(many=True)
    curves = serializers.DictField(child=CurveSerializer(), help_text="By the backtest's id, in shares of its cash.")
