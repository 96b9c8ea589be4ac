"""What optimizations take and show."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from algotrendy.trading.backtest.optimizing.folds import Walk
from algotrendy.trading.backtest.optimizing.objective import METRICS, Comparator
from algotrendy.trading.backtest.optimizing.outcomes import Status
from algotrendy.trading.backtest.optimizing.searching import MOST_TRIALS, Search
from apps.common.api.serializers import JSONObjectField, RowSerializer, StrictSerializer
from apps.common.models import choices_of
from apps.strategies.models import Optimization, Trial

from .backtests import SETUP, STATE, BacktestCreateSerializer, SymbolsField, require

METRIC_NAMES = sorted(METRICS)


class ConstraintSerializer(StrictSerializer):
    """A figure that a chosen set must reach, or must not pass."""

    metric = serializers.ChoiceField(choices=METRIC_NAMES)
    comparator = serializers.ChoiceField(choices=choices_of(Comparator))
    value = serializers.FloatField()


class OptimizationCreateSerializer(BacktestCreateSerializer):
    """What is searched: `space` names for each parameter `values`, or `low`, `high` and `step`."""

    space = JSONObjectField(help_text='{"fast": {"low": 5, "high": 50, "step": 5}, "slow": {"values": [50, 100, 200]}}')
    search = serializers.ChoiceField(choices=choices_of(Search), required=False)
    metric = serializers.ChoiceField(choices=METRIC_NAMES, required=False)
    maximize = serializers.BooleanField(required=False, allow_null=True)
    constraints = ConstraintSerializer(many=True, required=False)
    trial_limit = serializers.IntegerField(required=False, min_value=1, max_value=MOST_TRIALS, allow_null=True)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    walk = serializers.ChoiceField(choices=choices_of(Walk), required=False, allow_blank=True)
    choose_candles = serializers.IntegerField(required=False, min_value=2, max_value=10_000_000)
    trade_candles = serializers.IntegerField(required=False, min_value=1, max_value=10_000_000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if attrs.get("walk"):
            require(attrs, {"choose_candles": "choose_candles", "trade_candles": "trade_candles"})
        if "constraints" in attrs:
            attrs["constraints"] = [dict(each) for each in attrs["constraints"]]
        return attrs


class OptimizationSerializer(RowSerializer):
    symbols = SymbolsField()
    parameters = serializers.DictField(read_only=True)
    space = serializers.DictField(read_only=True)
    constraints = ConstraintSerializer(many=True, read_only=True)
    best_parameters = serializers.DictField(read_only=True, allow_null=True)

    class Meta:
        model = Optimization
        fields = [
            "id", "name", "strategy", *SETUP, "space", "search", "metric", "maximize", "constraints", "trial_limit",
            "seed", "walk", "choose_candles", "trade_candles", *STATE, "planned", "done", "best_parameters",
            "best_value", "best_backtest",
        ]  # fmt: skip


class OptimizationDetailSerializer(OptimizationSerializer):
    """With its conclusions, once it is completed: counts and checks of a search; figures and folds of a walk."""

    result = serializers.DictField(read_only=True, allow_null=True)

    class Meta(OptimizationSerializer.Meta):
        fields = [*OptimizationSerializer.Meta.fields, "result"]


class TrialSerializer(RowSerializer):
    parameters = serializers.DictField(read_only=True)
    figures = serializers.DictField(read_only=True)
    status = serializers.ChoiceField(choices=choices_of(Status), read_only=True)

    class Meta:
        model = Trial
        fields = ["number", "parameters", "status", "message", "objective", "figures"]


class TrialQuerySerializer(StrictSerializer):
    order = serializers.ChoiceField(choices=["best", "number"], default="best")
    limit = serializers.IntegerField(min_value=1, max_value=500, default=100)
    cursor = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, default=0, help_text="The page before's `next`."
    )


class TrialsSerializer(serializers.Serializer):  # type: ignore[type-arg]
    results = TrialSerializer(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="Give it as `cursor` to read on; null on the last page.")


class HeatMapQuerySerializer(StrictSerializer):
    across = serializers.CharField(required=False, help_text="A searched parameter; else the first.")
    down = serializers.CharField(required=False, help_text="Another one; else the second.")


class HeatMapSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The best objective for each pair of values, over all the other parameters; null where nothing was tried."""

    across = serializers.CharField()
    down = serializers.CharField()
    columns = serializers.ListField(child=serializers.FloatField())
    rows = serializers.ListField(child=serializers.FloatField())
    cells = serializers.ListField(child=serializers.ListField(child=serializers.FloatField(allow_null=True)))


class WalkCurveSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """The stitched equity of the stretches that were traded."""

    candles = serializers.IntegerField()
    time = serializers.ListField(child=serializers.IntegerField())
    equity = serializers.ListField(child=serializers.FloatField())
    drawdown = serializers.ListField(child=serializers.FloatField())
