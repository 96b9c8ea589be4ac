"""What is shown of how strategies do, live and beside a backtest."""

from __future__ import annotations

from rest_framework import serializers

from algotrendy.trading.values import PositionSide
from apps.common.api.serializers import AmountField, RowSerializer, UtcDateTimeField
from apps.common.models import choices_of
from apps.strategies.models import StrategyPerformance


class PointSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The sum of all closed trades' profits, net of fees, when one closed."""

    at = UtcDateTimeField()
    pnl = AmountField()


class LiveFiguresSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """What the strategy's trades came to, in the portfolio's currency; null where a figure does not exist."""

    closed_trades = serializers.IntegerField()
    open_trades = serializers.IntegerField()
    win_rate = serializers.FloatField(allow_null=True, help_text="0 to 1; won is what made more than its fees.")
    realized_pnl = AmountField(help_text="Before fees.")
    unrealized_pnl = AmountField(help_text="Before fees.")
    fees = AmountField()
    net_pnl = AmountField(help_text="Realized and unrealized, less all fees.")
    profit_factor = serializers.FloatField(allow_null=True, help_text="Won over lost, net of fees; null if none lost.")
    average_seconds = serializers.FloatField(allow_null=True, help_text="From opening to closing, market time.")
    first_trade_at = UtcDateTimeField(allow_null=True)
    last_trade_at = UtcDateTimeField(allow_null=True)
    curve = PointSerializer(many=True)


class TradeSerializer(serializers.Serializer):  # type: ignore[type-arg]
    entered = UtcDateTimeField(help_text="When the candle of the entry opened.")
    side = serializers.ChoiceField(choices=choices_of(PositionSide))
    quantity = serializers.CharField()
    entry_price = serializers.CharField()
    closed_at = UtcDateTimeField(allow_null=True)
    pnl = serializers.CharField(help_text="Net of fees.")


class DifferingTradeSerializer(TradeSerializer):
    """A trade that both made, with another profit; `pnl` is the live one."""

    backtest_pnl = serializers.CharField(help_text="Net of fees.")


class DriftDetailsSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The first 50 of each kind."""

    missing = TradeSerializer(many=True, help_text="Only the backtest made them.")
    extra = TradeSerializer(many=True, help_text="Only the live run made them.")
    differing = DifferingTradeSerializer(many=True)


class ComparisonSerializer(RowSerializer):
    """A strategy's live trades beside those of a backtest of the same candles."""

    details = DriftDetailsSerializer(read_only=True)

    class Meta:
        model = StrategyPerformance
        fields = [
            "period_start", "period_end", "candles", "strategy_version", "live_trades", "backtest_trades",
            "matched_trades", "matched_share", "live_pnl", "backtest_pnl", "account", "drift_percent", "details",
            "computed_at",
        ]  # fmt: skip


class PerformanceSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """How the strategy does; `comparison` is the newest one, null until the first was made."""

    live = LiveFiguresSerializer()
    comparison = ComparisonSerializer(allow_null=True)
