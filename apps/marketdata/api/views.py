"""Reading instruments and feeds; anybody may."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.common.api.errors import answer_with
from apps.common.api.permissions import PUBLIC
from apps.common.api.throttling import MARKET_DATA
from apps.common.api.views import ApiView, ListView, Revalidated
from apps.marketdata import selectors
from apps.marketdata.models import Feed, Instrument
from apps.marketdata.selectors.summary import market_summary

from .answers import SYMBOL
from .serializers import FeedSerializer, InstrumentSerializer, MarketSummarySerializer

answer_with(selectors.UnknownSymbol, 404)


class InstrumentsView(Revalidated, ListView):
    """The instruments, by symbol."""

    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA
    serializer_class = InstrumentSerializer
    keyset = ("symbol",)

    def rows(self) -> QuerySet[Instrument]:
        return selectors.instruments()


class InstrumentView(Revalidated, ApiView):
    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="instrument_get", parameters=[SYMBOL], responses={200: InstrumentSerializer})
    def get(self, request: Request, symbol: str) -> Response:
        """Show an instrument."""
        return Response(InstrumentSerializer(selectors.instrument_get(symbol)).data)


class FeedsView(ListView):
    """The feeds, and how they are doing."""

    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA
    serializer_class = FeedSerializer
    keyset = ("id",)

    def rows(self) -> QuerySet[Feed]:
        return selectors.feeds()


class SummaryView(ApiView):
    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="market_summary_get", responses={200: MarketSummarySerializer})
    def get(self, request: Request) -> Response:
        """Show how the market stands: what rises and falls within a day, and how the feeds are."""
        return Response(market_summary())
