"""What strategies and signals take and show."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from algotrendy.trading.signals import Direction
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.base import Strategy as Rule
from algotrendy.trading.strategies.origins import OriginKind
from algotrendy.trading.values import Timeframe
from apps.common.api.serializers import AmountField, JSONObjectField, OwnedField, RowSerializer, StrictSerializer
from apps.common.models import choices_of
from apps.marketdata.api.fields import InstrumentField
from apps.portfolio.selectors import portfolios_of
from apps.strategies.models import SizingMode, Strategy, StrategyVersion


class ParameterSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """One parameter of a rule; a number's range is inclusive, null where it is open."""

    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["int", "float", "bool", "dict"], source="kind.__name__")
    default = serializers.JSONField()
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)
    description = serializers.CharField()


class OriginSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Where a rule comes from; `name` is its file or its package, empty where it is shipped."""

    kind = serializers.ChoiceField(choices=choices_of(OriginKind))
    name = serializers.CharField(allow_blank=True)


class RuleProblemSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A strategy file or an entry point that is broken: its strategies hold until it is mended."""

    path = serializers.CharField()
    line = serializers.IntegerField(min_value=1)
    message = serializers.CharField()


class RuleSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A rule that a strategy can follow."""

    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    parameters = ParameterSerializer(many=True)
    origin = serializers.SerializerMethodField()

    @extend_schema_field(OriginSerializer)
    def get_origin(self, rule: type[Rule]) -> dict[str, str]:
        return registry.origin(rule.name)._asdict()


class StrategySerializer(RowSerializer):
    symbol = serializers.CharField(source="instrument.symbol", read_only=True)
    parameters = serializers.DictField(read_only=True)

    class Meta:
        model = Strategy
        fields = [
            "id", "portfolio", "name", "slug", "rule", "symbol", "timeframe", "parameters", "direction", "sizing_mode",
            "sizing_value", "min_confidence", "protect", "needs_approval", "approval_minutes", "enabled", "version",
            "running_since", "last_run_at", "last_error", "archived_at", "created_at", "updated_at",
        ]  # fmt: skip


class StrategyChangeSerializer(StrictSerializer):
    """Parameters that are not named keep their values; another rule starts from its defaults."""

    name = serializers.CharField(max_length=100, required=False)
    rule = serializers.CharField(max_length=64, required=False, help_text="One of `/api/strategies/rules`.")
    parameters = JSONObjectField(required=False)
    direction = serializers.ChoiceField(choices=choices_of(Direction), required=False)
    sizing_mode = serializers.ChoiceField(choices=SizingMode.choices, required=False)
    sizing_value = AmountField(required=False, help_text="Percent, or a quantity where that is fixed.")
    min_confidence = serializers.FloatField(min_value=0, max_value=1, required=False)
    protect = serializers.BooleanField(required=False)
    needs_approval = serializers.BooleanField(required=False, help_text="Each signal waits for a person.")
    approval_minutes = serializers.IntegerField(
        required=False, min_value=1, max_value=10_080, help_text="How long it waits."
    )


class StrategyCreateSerializer(StrategyChangeSerializer):
    """A new strategy starts disabled."""

    portfolio = OwnedField(selector=portfolios_of, what="portfolio")
    name = serializers.CharField(max_length=100)
    rule = serializers.CharField(max_length=64, help_text="One of `/api/strategies/rules`.")
    symbol = InstrumentField(source="instrument")
    timeframe = serializers.ChoiceField(choices=choices_of(Timeframe))


class StrategyDuplicateSerializer(StrictSerializer):
    """Where the copy goes; what is not named is as it is for the strategy itself."""

    name = serializers.CharField(max_length=100, required=False, help_text="Where none is given: the name and “copy”.")
    portfolio = OwnedField(selector=portfolios_of, what="portfolio", required=False)
    symbol = InstrumentField(source="instrument", required=False)
    timeframe = serializers.ChoiceField(choices=choices_of(Timeframe), required=False)


class StrategyVersionSerializer(RowSerializer):
    """A strategy as it was from this version on."""

    parameters = serializers.DictField(read_only=True)
    changed_by = serializers.CharField(
        source="changed_by.username", default=None, allow_null=True, read_only=True, help_text="Null for the platform."
    )

    class Meta:
        model = StrategyVersion
        fields = [
            "number", "name", "rule", "parameters", "direction", "sizing_mode", "sizing_value", "min_confidence",
            "protect", "needs_approval", "approval_minutes", "changed_by", "created_at",
        ]  # fmt: skip
