"""Reading indicators; anybody may."""

from __future__ import annotations

from typing import Any

import numpy as np
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from algotrendy.trading import catalog
from algotrendy.trading.strategies.base import ParameterSpec
from apps.common.api.errors import answer_with
from apps.common.api.permissions import PUBLIC
from apps.common.api.throttling import MARKET_DATA
from apps.common.api.views import ApiView, Revalidated
from apps.marketdata import selectors

from .answers import SYMBOL, kept_answer
from .candles import text_of
from .serializers import SpanQuerySerializer, TimeframeField

answer_with(catalog.UnknownIndicator, 404)
KINDS = {int: "integer", float: "number", bool: "boolean"}


class IndicatorParameterSerializer(serializers.Serializer):  # type: ignore[type-arg]
    name = serializers.CharField()
    type = serializers.SerializerMethodField()
    default = serializers.FloatField()  # type: ignore[assignment]
    minimum = serializers.FloatField()
    maximum = serializers.FloatField()
    description = serializers.CharField()

    def get_type(self, spec: ParameterSpec) -> str:
        return KINDS[spec.kind]


class IndicatorSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """An indicator; `of` says whether it works on one column that may be chosen."""

    name = serializers.CharField()
    title = serializers.CharField()
    group = serializers.CharField()
    of = serializers.BooleanField()
    parameters = IndicatorParameterSerializer(many=True)
    outputs = serializers.ListField(child=serializers.CharField())


class IndicatorQuerySerializer(SpanQuerySerializer):
    """Which indicator, and at which candles: as for candles."""

    name = serializers.CharField(max_length=40, help_text="As GET /api/market-data/indicators lists them.")
    params = serializers.JSONField(
        binary=True, default=dict, help_text='An object such as {"timeperiod": 14}; defaults where left out.'
    )
    of = serializers.ChoiceField(choices=list(catalog.PRICES), default="close", help_text="The column it works on.")

    def validate_params(self, given: Any) -> dict[str, object]:
        if not isinstance(given, dict):
            raise serializers.ValidationError('Give an object such as {"timeperiod": 14}.', code="invalid_params")
        return given


class IndicatorColumnsSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """An indicator's values by column, oldest first; null where too few candles came before."""

    symbol = serializers.CharField()
    timeframe = TimeframeField()
    source = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="Null where no candle is stored."
    )
    name = serializers.CharField()
    parameters = serializers.DictField(child=serializers.FloatField())
    time = serializers.ListField(child=serializers.IntegerField(), help_text="Open times in Unix seconds.")
    columns = serializers.DictField(child=serializers.ListField(child=serializers.FloatField(allow_null=True)))
    next = serializers.DateTimeField(allow_null=True, help_text="Give it as `start` to read on; null at the end.")


class IndicatorsView(Revalidated, ApiView):
    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="indicators_list", responses={200: IndicatorSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """List the indicators with their parameters, by group and name."""
        return Response(IndicatorSerializer(catalog.all_indicators(), many=True).data)


class IndicatorView(Revalidated, ApiView):
    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA

    @extend_schema(
        operation_id="indicator_get",
        parameters=[SYMBOL, IndicatorQuerySerializer],
        responses={200: IndicatorColumnsSerializer},
    )
    def get(self, request: Request, symbol: str) -> Response:
        """Work out an indicator at the candles that the same query of candles lists."""
        query = IndicatorQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        indicator = catalog.get(asked.pop("name"))
        asked["parameters"] = indicator.check(asked.pop("params"))
        told = {**asked, "name": indicator.name, "parameters": sorted(asked["parameters"].items())}
        return kept_answer("indicators", symbol, told, lambda: _worked_out(symbol, indicator, asked))


def _worked_out(symbol: str, indicator: catalog.Indicator, asked: dict[str, Any]) -> dict[str, Any]:
    page = selectors.indicator_page(instrument=selectors.instrument_get(symbol), indicator=indicator, **asked)
    return {
        "symbol": symbol,
        "timeframe": page.timeframe,
        "source": page.source,
        "name": indicator.name,
        "parameters": asked["parameters"],
        "time": page.time,
        "columns": {name: _numbers(column) for name, column in page.columns.items()},
        "next": None if page.next_start is None else text_of(page.next_start),
    }


def _numbers(column: catalog.Floats) -> list[float | None]:
    return [value if known else None for value, known in zip(column.tolist(), np.isfinite(column), strict=True)]
