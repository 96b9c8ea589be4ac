"""Reading portfolios, their positions and how they went."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.common.api.views import ApiView, ListView, row_or_404
from apps.portfolio.models import EquitySnapshot, Portfolio, Position
from apps.portfolio.selectors import equity_of, portfolio_summary, portfolios_of, positions_of

from .filters import EquityFilter, PortfolioFilter, PositionFilter
from .serializers import (
    EquitySerializer,
    PortfolioDetailSerializer,
    PortfolioSerializer,
    PositionSerializer,
    SummarySerializer,
)


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
