"""The kill switch: halts of the platform, of portfolios and of strategies."""

from __future__ import annotations

import uuid

import django_filters as filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from algotrendy.trading.risk import TradingMode
from apps.accounts.api.requests import signed_in
from apps.common.api.errors import answer_with
from apps.common.api.filters import TruthFilter
from apps.common.api.serializers import OwnedField, RowSerializer, StrictSerializer, UtcDateTimeField
from apps.common.api.views import ApiView, ListView, checked, row_or_404
from apps.orders.services.entry.halting import place_of
from apps.portfolio.halting import halts_of
from apps.portfolio.models import HaltCause, HaltWidth, TradingHalt
from apps.portfolio.selectors import portfolios_of
from apps.portfolio.services import HaltIsOver, HaltNotAllowed, InvalidHalt, halt_end, halt_start
from apps.strategies.selectors import strategies_of

answer_with(InvalidHalt, 400)
answer_with(HaltNotAllowed, 403)
answer_with(HaltIsOver, 409)


class HaltFilter(filters.FilterSet):  # type: ignore[misc]
    width = filters.ChoiceFilter(choices=HaltWidth.choices)
    portfolio = filters.UUIDFilter(field_name="portfolio_id")
    mode = filters.ChoiceFilter(choices=TradingHalt._meta.get_field("mode").choices)
    cause = filters.ChoiceFilter(choices=HaltCause.choices)
    open = TruthFilter(field_name="ended_at", lookup_expr="isnull", label="Whether it has not ended.")


class HaltSerializer(RowSerializer):
    """`book` is a strategy's own; without who began or ended it, the platform did."""

    started_by = serializers.CharField(source="started_by.username", default=None, allow_null=True, read_only=True)
    ended_by = serializers.CharField(source="ended_by.username", default=None, allow_null=True, read_only=True)

    class Meta:
        model = TradingHalt
        fields = [
            "id", "width", "portfolio", "book", "mode", "cause", "reason", "flatten", "until", "started_by",
            "ended_at", "ended_by", "created_at",
        ]  # fmt: skip


class HaltStartSerializer(StrictSerializer):
    """A halt of the strategy where one is given, else of the portfolio, else (administrators) of the whole platform."""

    width = serializers.ChoiceField(choices=HaltWidth.choices)
    portfolio = OwnedField(selector=portfolios_of, what="portfolio", required=False, allow_null=True)
    strategy = OwnedField(selector=strategies_of, what="strategy", required=False, allow_null=True)
    mode = serializers.ChoiceField(
        choices=[mode.value for mode in TradingMode if mode is not TradingMode.ACTIVE],
        default=TradingMode.HALTED.value,
        help_text="`reducing` lets through what makes positions smaller, `halted` nothing.",
    )
    reason = serializers.CharField(max_length=500)
    flatten = serializers.BooleanField(
        default=False, help_text="Cancel the orders and close the positions that it covers."
    )
    until = UtcDateTimeField(required=False, allow_null=True, help_text="When it ends by itself; null for never.")


class HaltsView(ListView):
    """Halts that the user may see, newest first: of their own portfolios, and of the platform."""

    access = {"GET": "portfolio.view_tradinghalt", "POST": "portfolio.add_tradinghalt"}
    problems = {"POST": (403,)}
    serializer_class = HaltSerializer
    filterset_class = HaltFilter

    def rows(self) -> QuerySet[TradingHalt]:
        return halts_of(signed_in(self.request))

    @extend_schema(operation_id="halt_start", request=HaltStartSerializer, responses={201: HaltSerializer})
    def post(self, request: Request) -> Response:
        """Halt trading; what is queued is not sent any more. A halt of the same place gives way to this one."""
        asked = checked(HaltStartSerializer, request)
        place = place_of(HaltWidth(asked.pop("width")), asked.pop("portfolio", None), asked.pop("strategy", None))
        halt = halt_start(**place, **{**asked, "mode": TradingMode(asked["mode"])}, actor=signed_in(request))
        return Response(HaltSerializer(halt).data, status=201)


class HaltEndView(ApiView):
    access = {"POST": "portfolio.change_tradinghalt"}
    problems = {"POST": (403, 409)}

    @extend_schema(operation_id="halt_end", request=None, responses={200: HaltSerializer})
    def post(self, request: Request, halt_id: uuid.UUID) -> Response:
        """End a halt; trading goes on as far as no other covers it. People only: no API key ends a halt."""
        halt = row_or_404(halts_of(signed_in(request)), halt_id)
        return Response(HaltSerializer(halt_end(halt=halt, actor=signed_in(request))).data)
