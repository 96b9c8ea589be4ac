"""Asking for backtests, following them, and reading what came of them."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.common.api.views import ApiView, ListView, checked, row_or_404
from apps.strategies import services
from apps.strategies.api.filters import BacktestFilter
from apps.strategies.api.serializers import (
    BacktestComparisonSerializer,
    BacktestCreateSerializer,
    BacktestDetailSerializer,
    BacktestSerializer,
    BacktestTradesSerializer,
    CompareQuerySerializer,
    CurveQuerySerializer,
    CurveSerializer,
    PageQuerySerializer,
)
from apps.strategies.errors import BacktestNotCompleted
from apps.strategies.models import Backtest, JobStatus
from apps.strategies.selectors import backtests_of, setup_of
from apps.strategies.selectors.results import curve_of, trade_count, trade_rows

COMPARED_POINTS = 400
MOST_COMPARED = 10


class BacktestsView(ListView):
    """Backtests, newest first."""

    access = {"GET": "strategies.view_backtest", "POST": "strategies.add_backtest"}
    problems = {"POST": (409,)}
    serializer_class = BacktestSerializer
    filterset_class = BacktestFilter

    def rows(self) -> QuerySet[Backtest]:
        return backtests_of(signed_in(self.request))

    @extend_schema(
        operation_id="backtest_create", request=BacktestCreateSerializer, responses={202: BacktestSerializer}
    )
    def post(self, request: Request) -> Response:
        """Ask for a backtest; a worker takes it up, and its status tells how far it is."""
        asked = checked(BacktestCreateSerializer, request)
        given = setup_of(asked["strategy"]) if "strategy" in asked else {}
        backtest = services.backtest_create(owner=signed_in(request), **{**given, **asked})
        return Response(BacktestSerializer(backtest).data, status=202)


class BacktestView(ApiView):
    access = {"GET": "strategies.view_backtest", "DELETE": "strategies.delete_backtest"}
    problems = {"DELETE": (409,)}

    @extend_schema(operation_id="backtest_get", responses={200: BacktestDetailSerializer})
    def get(self, request: Request, backtest_id: uuid.UUID) -> Response:
        """Show a backtest, with every figure once it is completed."""
        rows = backtests_of(signed_in(request)).select_related("result")
        return Response(BacktestDetailSerializer(row_or_404(rows, backtest_id)).data)

    @extend_schema(operation_id="backtest_delete", responses={204: None})
    def delete(self, request: Request, backtest_id: uuid.UUID) -> Response:
        """Delete a backtest that is over, with all that came of it."""
        services.backtest_delete(backtest=row_or_404(backtests_of(signed_in(request)), backtest_id))
        return Response(status=204)


class BacktestCancelView(ApiView):
    access = {"POST": "strategies.change_backtest"}
    problems = {"POST": (409,)}

    @extend_schema(operation_id="backtest_cancel", request=None, responses={200: BacktestSerializer})
    def post(self, request: Request, backtest_id: uuid.UUID) -> Response:
        """End a backtest: at once while it waits, within seconds while it runs."""
        backtest = services.backtest_cancel(backtest=row_or_404(backtests_of(signed_in(request)), backtest_id))
        return Response(BacktestSerializer(backtest).data)


class BacktestTradesView(ApiView):
    access = {"GET": "strategies.view_backtest"}
    problems = {"GET": (409,)}

    @extend_schema(
        operation_id="backtest_trades",
        parameters=[PageQuerySerializer],
        responses={200: BacktestTradesSerializer},
    )
    def get(self, request: Request, backtest_id: uuid.UUID) -> Response:
        """List the trades by the time of their exits; those still open at the end come last."""
        page = query_of(request, PageQuerySerializer)
        backtest = completed_or_409(request, backtest_id)
        rows, end = trade_rows(backtest, page["cursor"], page["limit"]), page["cursor"] + page["limit"]
        following = end if end < trade_count(backtest) else None
        return Response(BacktestTradesSerializer({"results": rows, "next": following}).data)


class BacktestEquityView(ApiView):
    access = {"GET": "strategies.view_backtest"}
    problems = {"GET": (409,)}

    @extend_schema(operation_id="backtest_equity", parameters=[CurveQuerySerializer], responses={200: CurveSerializer})
    def get(self, request: Request, backtest_id: uuid.UUID) -> Response:
        """Give the equity curve as columns, thinned to what is asked for; `equity.csv` has every candle."""
        points = query_of(request, CurveQuerySerializer)["points"]
        return Response(curve_columns(completed_or_409(request, backtest_id), points))


class CompareView(ApiView):
    access = {"GET": "strategies.view_backtest"}
    problems = {"GET": (404, 409)}

    @extend_schema(
        operation_id="backtests_compare",
        parameters=[CompareQuerySerializer],
        responses={200: BacktestComparisonSerializer},
    )
    def get(self, request: Request) -> Response:
        """Put completed backtests side by side: their figures, and their curves as shares of the initial cash."""
        found = [completed_or_409(request, each) for each in _identifiers(query_of(request, CompareQuerySerializer))]
        curves = {str(each.pk): curve_columns(each, COMPARED_POINTS, unit=float(each.initial_cash)) for each in found}
        return Response({"backtests": BacktestSerializer(found, many=True).data, "curves": curves})


def completed_or_409(request: Request, backtest_id: uuid.UUID) -> Backtest:
    """Return a backtest that the user may see, with its result; raise BacktestNotCompleted where it has none."""
    backtest = row_or_404(backtests_of(signed_in(request)).select_related("result"), backtest_id)
    if backtest.status != JobStatus.COMPLETED:
        raise BacktestNotCompleted(f"It is {backtest.get_status_display().lower()}; it has a result once completed.")
    return backtest


def query_of(request: Request, serializer: Any) -> dict[str, Any]:
    """Return the checked parameters of the address."""
    query = serializer(data=request.query_params)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)


def curve_columns(backtest: Backtest, points: int, *, unit: float = 1.0) -> dict[str, Any]:
    """Return the curve as JSON-ready columns; amounts are divided by `unit`."""
    columns = curve_of(backtest, points)
    amounts = {name: (columns[name] / unit).tolist() for name in ("equity", "cash", "held")}
    return {
        "candles": sum(book["candles"] for book in backtest.result.figures["books"]),
        "time": columns["time"].tolist(),
        "drawdown": columns["drawdown"].tolist(),
        **amounts,
    }


def _identifiers(query: dict[str, Any]) -> list[uuid.UUID]:
    words = list(dict.fromkeys(query["ids"].split(",")))
    try:
        found = [uuid.UUID(word.strip()) for word in words]
    except ValueError:
        raise ValidationError({"ids": ["Give ids of backtests, separated by commas."]}, code="invalid") from None
    if not 2 <= len(found) <= MOST_COMPARED:
        raise ValidationError({"ids": [f"Give 2 to {MOST_COMPARED} different ids."]}, code="invalid")
    return found
