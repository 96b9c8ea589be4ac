"""Reading portfolios, their positions and how they went."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from algotrendy.trading.errors import BrokerRejected
from apps.accounts.api.requests import signed_in
from apps.common.api.errors import answer_with
from apps.common.api.throttling import ORDERS
from apps.common.api.views import ApiView, ListView, checked, row_or_404
from apps.portfolio.models import EquitySnapshot, Portfolio, Position
from apps.portfolio.selectors import equity_of, portfolio_summary, portfolios_of, positions_of
from apps.portfolio.services import LeverageNotAllowed, position_leverage_set

from .filters import EquityFilter, PortfolioFilter, PositionFilter
from .serializers import (
    EquitySerializer,
    LeverageSerializer,
    PortfolioDetailSerializer,
    PortfolioSerializer,
    PositionSerializer,
    SummarySerializer,
)

answer_with(LeverageNotAllowed, 422)
answer_with(BrokerRejected, 422)


class PortfoliosView(ListView):
    """The portfolios that the user may see."""

    access = {"GET": "portfolio.view_portfolio"}
    serializer_class = PortfolioSerializer
    filterset_class = PortfolioFilter

    def rows(self) -> QuerySet[Portfolio]:
        return portfolios_of(signed_in(self.request))


class PortfolioView(ApiView):
    access = {"GET": "portfolio.view_portfolio"}

    @extend_schema(operation_id="portfolio_get", responses={200: PortfolioDetailSerializer})
    def get(self, request: Request, portfolio_id: uuid.UUID) -> Response:
        """Show a portfolio and what it is worth now."""
        portfolio = row_or_404(portfolios_of(signed_in(request)), portfolio_id)
        summary = SummarySerializer(portfolio_summary(portfolio)).data
        return Response({**PortfolioSerializer(portfolio).data, "summary": summary})


class EquityView(ListView):
    """A portfolio's worth over market time."""

    access = {"GET": "portfolio.view_equitysnapshot"}
    serializer_class = EquitySerializer
    filterset_class = EquityFilter
    keyset = ("-at", "-id")

    def rows(self) -> QuerySet[EquitySnapshot]:
        portfolio = row_or_404(portfolios_of(signed_in(self.request)), self.kwargs["portfolio_id"])
        return equity_of(signed_in(self.request)).filter(portfolio=portfolio)


class PositionsView(ListView):
    """Positions, open and closed."""

    access = {"GET": "portfolio.view_position"}
    serializer_class = PositionSerializer
    filterset_class = PositionFilter

    def rows(self) -> QuerySet[Position]:
        return positions_of(signed_in(self.request))


class PositionView(ApiView):
    access = {"GET": "portfolio.view_position"}

    @extend_schema(operation_id="position_get", responses={200: PositionSerializer})
    def get(self, request: Request, position_id: uuid.UUID) -> Response:
        """Show a position with its profit and margin at the last price."""
        return Response(PositionSerializer(row_or_404(positions_of(signed_in(request)), position_id)).data)


class LeverageView(ApiView):
    access = {"POST": "portfolio.change_position"}
    problems = {"POST": (400, 409, 422, 503)}
    rate_scope = ORDERS

    @extend_schema(operation_id="position_leverage", request=LeverageSerializer, responses={200: PositionSerializer})
    def post(self, request: Request, position_id: uuid.UUID) -> Response:
        """Give an open position a leverage within the portfolio's limit; its venue decides first."""
        position = row_or_404(positions_of(signed_in(request)), position_id)
        asked = checked(LeverageSerializer, request)
        changed = position_leverage_set(position=position, actor=signed_in(request), **asked)
        return Response(PositionSerializer(changed).data)
