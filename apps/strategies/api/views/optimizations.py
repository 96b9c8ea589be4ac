"""Asking for optimizations, following them, and reading their trials."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.common.api.views import ApiView, ListView, checked, row_or_404
from apps.strategies import services
from apps.strategies.api.filters import OptimizationFilter
from apps.strategies.api.serializers.backtests import CurveQuerySerializer
from apps.strategies.api.serializers.optimizations import (
    HeatMapQuerySerializer,
    HeatMapSerializer,
    OptimizationCreateSerializer,
    OptimizationDetailSerializer,
    OptimizationSerializer,
    TrialQuerySerializer,
    TrialsSerializer,
    WalkCurveSerializer,
)
from apps.strategies.errors import BacktestNotCompleted
from apps.strategies.models import Optimization
from apps.strategies.selectors import optimizations_of, setup_of
from apps.strategies.selectors.searches import map_of, map_rows, trials_by_worth, walk_curve

from .backtests import query_of


def owned(request: Request, optimization_id: uuid.UUID) -> Optimization:
    """Return an optimization that the user may see."""
    return row_or_404(optimizations_of(signed_in(request)), optimization_id)


class OptimizationsView(ListView):
    """Optimizations, newest first."""

    access = {"GET": "strategies.view_optimization", "POST": "strategies.add_optimization"}
    problems = {"POST": (409,)}
    serializer_class = OptimizationSerializer
    filterset_class = OptimizationFilter

    def rows(self) -> QuerySet[Optimization]:
        return optimizations_of(signed_in(self.request))

    @extend_schema(
        operation_id="optimization_create",
        request=OptimizationCreateSerializer,
        responses={202: OptimizationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Ask for a search, or with `walk` for a walk-forward; workers share its trials."""
        asked = checked(OptimizationCreateSerializer, request)
        given = setup_of(asked["strategy"]) if "strategy" in asked else {}
        optimization = services.optimization_create(owner=signed_in(request), **{**given, **asked})
        return Response(OptimizationSerializer(optimization).data, status=202)


class OptimizationView(ApiView):
    access = {"GET": "strategies.view_optimization", "DELETE": "strategies.delete_optimization"}
    problems = {"DELETE": (409,)}

    @extend_schema(operation_id="optimization_get", responses={200: OptimizationDetailSerializer})
    def get(self, request: Request, optimization_id: uuid.UUID) -> Response:
        """Show an optimization, with its conclusions once it is completed."""
        return Response(OptimizationDetailSerializer(owned(request, optimization_id)).data)

    @extend_schema(operation_id="optimization_delete", responses={204: None})
    def delete(self, request: Request, optimization_id: uuid.UUID) -> Response:
        """Delete an optimization that is over, with its trials; the best set's backtest stays."""
        services.optimization_delete(optimization=owned(request, optimization_id))
        return Response(status=204)


class OptimizationCancelView(ApiView):
    access = {"POST": "strategies.change_optimization"}
    problems = {"POST": (409,)}

    @extend_schema(operation_id="optimization_cancel", request=None, responses={200: OptimizationSerializer})
    def post(self, request: Request, optimization_id: uuid.UUID) -> Response:
        """End an optimization; the trials that are done stay."""
        optimization = services.optimization_cancel(optimization=owned(request, optimization_id))
        return Response(OptimizationSerializer(optimization).data)


class TrialsView(ApiView):
    access = {"GET": "strategies.view_optimization"}

    @extend_schema(
        operation_id="optimization_trials", parameters=[TrialQuerySerializer], responses={200: TrialsSerializer}
    )
    def get(self, request: Request, optimization_id: uuid.UUID) -> Response:
        """List the trials so far, the best first; a walk keeps its choices only, in its result."""
        page = query_of(request, TrialQuerySerializer)
        optimization = owned(request, optimization_id)
        rows = trials_by_worth(optimization) if page["order"] == "best" else optimization.trials.order_by("number")
        end = page["cursor"] + page["limit"]
        found = list(rows[page["cursor"] : end + 1])
        following = end if len(found) > page["limit"] else None
        return Response(TrialsSerializer({"results": found[: page["limit"]], "next": following}).data)


class HeatMapView(ApiView):
    access = {"GET": "strategies.view_optimization"}
    problems = {"GET": (400,)}

    @extend_schema(
        operation_id="optimization_heat_map", parameters=[HeatMapQuerySerializer], responses={200: HeatMapSerializer}
    )
    def get(self, request: Request, optimization_id: uuid.UUID) -> Response:
        """Give the best objective for each pair of two parameters' values."""
        axes = query_of(request, HeatMapQuerySerializer)
        return Response(map_rows(map_of(owned(request, optimization_id), axes.get("across"), axes.get("down"))))


class WalkCurveView(ApiView):
    access = {"GET": "strategies.view_optimization"}
    problems = {"GET": (409,)}

    @extend_schema(
        operation_id="optimization_equity", parameters=[CurveQuerySerializer], responses={200: WalkCurveSerializer}
    )
    def get(self, request: Request, optimization_id: uuid.UUID) -> Response:
        """Give the stitched equity of a completed walk-forward."""
        points = query_of(request, CurveQuerySerializer)["points"]
        optimization = owned(request, optimization_id)
        if not optimization.curve:
            raise BacktestNotCompleted("Only a completed walk-forward has a curve of its own.")
        columns = {name: column.tolist() for name, column in walk_curve(optimization, points).items()}
        return Response({"candles": len(walk_curve(optimization)["time"]), **columns})
