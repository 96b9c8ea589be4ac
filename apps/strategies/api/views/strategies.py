"""Rules, and configuring strategies that follow them."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from algotrendy.trading.strategies import registry
from apps.accounts.api.requests import signed_in
from apps.common.api.permissions import AUTHENTICATED
from apps.common.api.views import ApiView, ListView, checked, row_or_404
from apps.strategies import services
from apps.strategies.api.filters import StrategyFilter
from apps.strategies.api.serializers import (
    RuleProblemSerializer,
    RuleSerializer,
    StrategyChangeSerializer,
    StrategyCreateSerializer,
    StrategyDuplicateSerializer,
    StrategySerializer,
)
from apps.strategies.models import Strategy
from apps.strategies.selectors import strategies_of


class RulesView(ApiView):
    access = {"GET": AUTHENTICATED}
    open_to_keys = ("GET",)

    @extend_schema(operation_id="strategy_rules", responses={200: RuleSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """List the rules that a strategy can follow, each with its parameters."""
        return Response(RuleSerializer(registry.all_strategies(), many=True).data)


class RuleProblemsView(ApiView):
    access = {"GET": "strategies.view_strategyfile"}

    @extend_schema(operation_id="strategy_rule_problems", responses={200: RuleProblemSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """List the strategy files and packages that are broken, each with its line."""
        return Response(RuleProblemSerializer(registry.problems(), many=True).data)


class StrategiesView(ListView):
    """The strategies that the user may see."""

    access = {"GET": "strategies.view_strategy", "POST": "strategies.add_strategy"}
    problems = {"POST": (409,)}
    serializer_class = StrategySerializer
    filterset_class = StrategyFilter

    def rows(self) -> QuerySet[Strategy]:
        return strategies_of(signed_in(self.request))

    @extend_schema(
        operation_id="strategy_create", request=StrategyCreateSerializer, responses={201: StrategySerializer}
    )
    def post(self, request: Request) -> Response:
        """Configure a strategy; it starts disabled."""
        strategy = services.strategy_create(**checked(StrategyCreateSerializer, request))
        return Response(StrategySerializer(strategy).data, status=201)


class StrategyView(ApiView):
    access = {
        "GET": "strategies.view_strategy",
        "PATCH": "strategies.change_strategy",
        "DELETE": "strategies.delete_strategy",
    }
    problems = {"PATCH": (409,), "DELETE": (409,)}

    @extend_schema(operation_id="strategy_get", responses={200: StrategySerializer})
    def get(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Show a strategy."""
        return Response(StrategySerializer(row_or_404(strategies_of(signed_in(request)), strategy_id)).data)

    @extend_schema(
        operation_id="strategy_configure", request=StrategyChangeSerializer, responses={200: StrategySerializer}
    )
    def patch(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Change a strategy; its next run uses the change."""
        strategy = row_or_404(strategies_of(signed_in(request)), strategy_id)
        strategy = services.strategy_configure(strategy=strategy, **checked(StrategyChangeSerializer, request))
        return Response(StrategySerializer(strategy).data)

    @extend_schema(operation_id="strategy_delete", responses={200: StrategySerializer, 204: None})
    def delete(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Delete a strategy that never traded (204); archive one that did (200, with the strategy)."""
        strategy = row_or_404(strategies_of(signed_in(request)), strategy_id)
        archived = services.strategy_delete(strategy=strategy)
        return Response(status=204) if archived is None else Response(StrategySerializer(archived).data)


class SwitchView(ApiView):
    access = {"POST": "strategies.change_strategy"}
    service: Any

    def post(self, request: Request, strategy_id: uuid.UUID) -> Response:
        strategy = row_or_404(strategies_of(signed_in(request)), strategy_id)
        return Response(StrategySerializer(self.service(strategy=strategy)).data)


class EnableView(SwitchView):
    problems = {"POST": (409,)}
    service = staticmethod(services.strategy_enable)

    @extend_schema(operation_id="strategy_enable", request=None, responses={200: StrategySerializer})
    def post(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Let a strategy trade from the next candle on."""
        return super().post(request, strategy_id)


class UnarchiveView(SwitchView):
    service = staticmethod(services.strategy_unarchive)

    @extend_schema(operation_id="strategy_unarchive", request=None, responses={200: StrategySerializer})
    def post(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Take a strategy out of the archive; it stays disabled."""
        return super().post(request, strategy_id)


class DuplicateView(ApiView):
    access = {"POST": "strategies.add_strategy"}
    problems = {"POST": (409,)}

    @extend_schema(
        operation_id="strategy_duplicate", request=StrategyDuplicateSerializer, responses={201: StrategySerializer}
    )
    def post(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Make a strategy like this one, here or elsewhere; it starts disabled."""
        strategy = row_or_404(strategies_of(signed_in(request)), strategy_id)
        made = services.strategy_duplicate(strategy=strategy, **checked(StrategyDuplicateSerializer, request))
        return Response(StrategySerializer(made).data, status=201)


class DisableView(SwitchView):
    service = staticmethod(services.strategy_disable)

    @extend_schema(operation_id="strategy_disable", request=None, responses={200: StrategySerializer})
    def post(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Stop a strategy; the protective orders of its open position stay."""
        return super().post(request, strategy_id)
