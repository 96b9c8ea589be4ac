"""Closing and protecting positions, and what came of those that were closed."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.common.api.errors import answer_with
from apps.common.api.files import Whatever, csv_file
from apps.common.api.throttling import ORDERS
from apps.common.api.views import ApiView, ListView, checked, row_or_404
from apps.orders.ledger import Ledger, fills_csv, ledger_csv, portfolio_ledger
from apps.orders.models import Fill
from apps.orders.selectors import fills_of
from apps.orders.services.holdings.closing import CloseTooLarge, PositionClosed, position_close, positions_close
from apps.orders.services.holdings.reprotecting import position_protect
from apps.portfolio.api.serializers import PositionSerializer
from apps.portfolio.selectors import portfolios_of, positions_of

from .filters import FillFilter
from .position_serializers import (
    CloseAllSerializer,
    ClosingSerializer,
    LedgerFileQuerySerializer,
    LedgerQuerySerializer,
    LedgerSerializer,
    PositionCloseSerializer,
    ProtectionSerializer,
)
from .serializers import FillSerializer, OrderSerializer

answer_with(PositionClosed, 409)
answer_with(CloseTooLarge, 400)
KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, description="May stand for client_order_id."
)


class PositionCloseView(ApiView):
    access = {"POST": "orders.add_order"}
    problems = {"POST": (400, 409, 422)}
    rate_scope = ORDERS

    @extend_schema(
        operation_id="position_close",
        parameters=[KEY],
        request=PositionCloseSerializer,
        responses={201: OrderSerializer, 200: OpenApiResponse(OrderSerializer, "The same order, placed before.")},
    )
    def post(self, request: Request, position_id: uuid.UUID) -> Response:
        """Close a position, or a quantity of it, by a market order, which is returned."""
        position = row_or_404(positions_of(signed_in(request)), position_id)
        asked = checked(PositionCloseSerializer, request)
        placement = position_close(position=position, actor=signed_in(request), **asked)
        return Response(OrderSerializer(placement.order).data, status=201 if placement.is_new else 200)


class CloseAllView(ApiView):
    access = {"POST": "orders.add_order"}
    problems = {"POST": (400, 409)}
    rate_scope = ORDERS

    @extend_schema(
        operation_id="positions_close",
        parameters=[KEY],
        request=CloseAllSerializer,
        responses={201: ClosingSerializer, 200: OpenApiResponse(ClosingSerializer, "The same request, made before.")},
    )
    def post(self, request: Request) -> Response:
        """Close every open position, or those of a portfolio, symbol or book, each by a market order."""
        asked = checked(CloseAllSerializer, request)
        closing = positions_close(actor=signed_in(request), key=asked.pop("client_order_id"), **asked)
        return Response(ClosingSerializer(closing).data, status=201 if closing.is_new else 200)


class ProtectionView(ApiView):
    access = {"PATCH": "portfolio.change_position"}
    problems = {"PATCH": (400, 409, 422)}
    rate_scope = ORDERS

    @extend_schema(operation_id="position_protect", request=ProtectionSerializer, responses={200: PositionSerializer})
    def patch(self, request: Request, position_id: uuid.UUID) -> Response:
        """Set a position's stop loss and take profit, or a stop that trails; null takes one away."""
        position = row_or_404(positions_of(signed_in(request)), position_id)
        asked = checked(ProtectionSerializer, request)
        return Response(PositionSerializer(position_protect(position=position, actor=signed_in(request), **asked)).data)


class LedgerView(ApiView):
    access = {"GET": "orders.view_fill"}
    problems = {"GET": (400,)}

    @extend_schema(
        operation_id="portfolio_ledger", parameters=[LedgerQuerySerializer], responses={200: LedgerSerializer}
    )
    def get(self, request: Request, portfolio_id: uuid.UUID) -> Response:
        """Show what a portfolio has realized, newest first; the totals are of all rows, also of those not shown."""
        asked = queried(LedgerQuerySerializer, request)
        shown = asked.pop("limit")
        ledger = ledger_of(request, portfolio_id, asked)
        rows = {"count": len(ledger.rows), "results": ledger.rows[:shown]}
        totals = {name: getattr(ledger, name) for name in ("method", "gross", "fees", "net")}
        return Response(LedgerSerializer({**totals, **rows}).data)


class LedgerFileView(ApiView):
    access = {"GET": "orders.view_fill"}
    problems = {"GET": (400,)}
    content_negotiation_class = Whatever

    @extend_schema(
        operation_id="portfolio_ledger_csv",
        parameters=[LedgerFileQuerySerializer],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, portfolio_id: uuid.UUID) -> Any:
        """Give everything that a portfolio has realized as CSV."""
        ledger = ledger_of(request, portfolio_id, queried(LedgerFileQuerySerializer, request))
        return csv_file(ledger_csv(ledger), f"ledger-{str(portfolio_id)[:8]}-{ledger.method}.csv")


class FillsFileView(ListView):
    """All fills that the filters leave, newest first, as CSV."""

    access = {"GET": "orders.view_fill"}
    serializer_class = FillSerializer
    filterset_class = FillFilter
    pagination_class = None
    content_negotiation_class = Whatever

    def rows(self) -> QuerySet[Fill]:
        return fills_of(signed_in(self.request)).order_by("-executed_at", "-created_at", "-id")

    @extend_schema(operation_id="fills_csv", tags=["fills"], responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request) -> Any:
        """Give all fills that the filters leave as CSV, newest first."""
        return csv_file(fills_csv(self.filter_queryset(self.get_queryset())), "fills.csv")


def queried(serializer: type[LedgerFileQuerySerializer], request: Request) -> dict[str, Any]:
    """Return the checked query parameters."""
    form = serializer(data=request.query_params.dict())
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def ledger_of(request: Request, portfolio_id: uuid.UUID, asked: dict[str, Any]) -> Ledger:
    return portfolio_ledger(row_or_404(portfolios_of(signed_in(request)), portfolio_id), **asked)
