"""What strategies were before, and how they do."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.common.api.views import ApiView, ListView, row_or_404
from apps.strategies import services
from apps.strategies.api.serializers import PerformanceSerializer, StrategySerializer, StrategyVersionSerializer
from apps.strategies.models import StrategyVersion
from apps.strategies.performance import live_figures
from apps.strategies.selectors import newest_performance, strategies_of, versions_of


class VersionsView(ListView):
    """What the strategy was, the newest version first."""

    access = {"GET": "strategies.view_strategyversion"}
    serializer_class = StrategyVersionSerializer
    keyset = ("-number",)

    def rows(self) -> QuerySet[StrategyVersion]:
        user = signed_in(self.request)
        return versions_of(user).filter(strategy=row_or_404(strategies_of(user), self.kwargs["strategy_id"]))


class RestoreView(ApiView):
    access = {"POST": "strategies.change_strategy"}
    problems = {"POST": (409,)}

    @extend_schema(operation_id="strategy_restore", request=None, responses={200: StrategySerializer})
    def post(self, request: Request, strategy_id: uuid.UUID, number: int) -> Response:
        """Make the strategy what it was under that number, as a new version."""
        version = versions_of(signed_in(request)).filter(strategy=strategy_id, number=number).first()
        if version is None:
            raise Http404
        return Response(StrategySerializer(services.strategy_restore(version=version)).data)


class PerformanceView(ApiView):
    access = {"GET": "strategies.view_strategyperformance"}

    @extend_schema(operation_id="strategy_performance", responses={200: PerformanceSerializer})
    def get(self, request: Request, strategy_id: uuid.UUID) -> Response:
        """Show how the strategy's trades went, and beside them the hourly backtest of the same candles."""
        strategy = row_or_404(strategies_of(signed_in(request)), strategy_id)
        shown = {"live": live_figures(strategy), "comparison": newest_performance(strategy)}
        return Response(PerformanceSerializer(shown).data)
