"""What portfolios show; every figure is in the portfolio's currency."""

from __future__ import annotations

from rest_framework import serializers

from algotrendy.trading.margin import Health
from algotrendy.trading.values import MarginMode
from apps.common.api.serializers import AmountField, RowSerializer, StrictSerializer
from apps.common.models import choices_of
from apps.portfolio.models import EquitySnapshot, Portfolio, Position


class PortfolioSerializer(RowSerializer):
    owner = serializers.CharField(source="owner.username", read_only=True)
    connection = serializers.CharField(source="connection.name", read_only=True)

    class Meta:
        model = Portfolio
        fields = [
            "id", "name", "owner", "connection", "base_currency", "initial_cash", "cash", "realized_pnl", "fees_paid",
            "funding_paid", "is_simulation", "created_at", "updated_at",
        ]  # fmt: skip


class SummarySerializer(serializers.Serializer):  # type: ignore[type-arg]
    """What a portfolio is worth at the marks of its open positions; `day_pnl` is over a day of market time."""

    equity = AmountField()
    cash = AmountField()
    exposure = AmountField()
    unrealized_pnl = AmountField()
    realized_pnl = AmountField()
    fees_paid = AmountField()
    total_return_percent = AmountField()
    drawdown_percent = AmountField()
    open_positions = serializers.IntegerField()
    day_pnl = AmountField()


class PortfolioDetailSerializer(PortfolioSerializer):
    summary = SummarySerializer(read_only=True)

    class Meta(PortfolioSerializer.Meta):
        fields = [*PortfolioSerializer.Meta.fields, "summary"]


class PositionSerializer(RowSerializer):
    """`quantity` is signed, below 0 for a short position; `margin_health` is what backs it as a share of its value."""

    symbol = serializers.CharField(source="instrument.symbol", read_only=True)
    market_value = AmountField(read_only=True)
    unrealized_pnl = AmountField(read_only=True)
    margin_health = AmountField(read_only=True)
    margin_state = serializers.ChoiceField(choices=choices_of(Health), read_only=True)

    class Meta:
        model = Position
        fields = [
            "id", "portfolio", "symbol", "book", "side", "quantity", "entry_price", "mark_price", "market_value",
            "unrealized_pnl", "realized_pnl", "fees_paid", "max_quantity", "stop_loss", "take_profit", "leverage",
            "margin_mode", "collateral", "liquidation_price", "margin_health", "margin_state", "funding_paid",
            "funded_through", "opened_at", "closed_at", "created_at", "updated_at",
        ]  # fmt: skip


class EquitySerializer(RowSerializer):
    class Meta:
        model = EquitySnapshot
        fields = ["at", "equity", "cash", "unrealized_pnl", "drawdown_percent"]


class LeverageSerializer(StrictSerializer):
    """How much leverage an open position is to have; the margin mode of paper positions only."""

    leverage = serializers.DecimalField(max_digits=5, decimal_places=2, min_value=1)
    margin_mode = serializers.ChoiceField(choices=choices_of(MarginMode), required=False)

    def validate_margin_mode(self, value: str) -> MarginMode:
        return MarginMode(value)
