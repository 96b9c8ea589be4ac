"""Reading instruments, candles and feeds; anybody may, without signing in."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.api.permissions import PUBLIC
from apps.common.api.throttling import MARKET_DATA
from apps.common.api.views import ListView
from apps.marketdata.api.serializers import (
    CandleQuerySerializer,
    FeedSerializer,
    InstrumentSerializer,
    LatestSerializer,
    SeriesSerializer,
)
from apps.marketdata.models import Feed, Instrument
from apps.marketdata.selectors import (
    UnknownSymbol,
    candle_rows,
    feeds,
    instrument_get,
    instruments,
    latest_candle,
    source_of,
)

FIELDS = ("open_time", "open", "high", "low", "close", "volume")


class InstrumentsView(ListView):
    """What can be traded."""

    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA
    serializer_class = InstrumentSerializer
    keyset = ("id",)

    def rows(self) -> QuerySet[Instrument]:
        return instruments()


class InstrumentView(APIView):
    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="instrument_get", responses={200: InstrumentSerializer})
    def get(self, request: Request, symbol: str) -> Response:
        """Show an instrument and the grid of its prices and quantities."""
        return Response(InstrumentSerializer(_instrument(symbol)).data)


class CandlesView(APIView):
    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="candles_list", parameters=[CandleQuerySerializer], responses={200: SeriesSerializer})
    def get(self, request: Request, symbol: str) -> Response:
        """List an instrument's finished candles, oldest first."""
        instrument = _instrument(symbol)
        query = CandleQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        return Response(SeriesSerializer(_series(instrument, query.validated_data)).data)


class LatestView(APIView):
    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="latest_candle_get", responses={200: LatestSerializer})
    def get(self, request: Request, symbol: str) -> Response:
        """Show the candle that closed last."""
        candle = latest_candle(_instrument(symbol))
        if candle is None:
            raise Http404
        return Response(LatestSerializer(candle).data)


class FeedsView(ListView):
    """The feeds, and what each is doing."""

    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA
    serializer_class = FeedSerializer
    keyset = ("id",)

    def rows(self) -> QuerySet[Feed]:
        return feeds()


def _instrument(symbol: str) -> Instrument:
    try:
        return instrument_get(symbol)
    except UnknownSymbol:
        raise Http404 from None


def _series(instrument: Instrument, query: dict[str, Any]) -> dict[str, Any]:
    timeframe, limit = query["timeframe"], query["limit"]
    source = query.get("source") or source_of(instrument, timeframe)
    start, end = query.get("start"), query.get("end")
    rows: list[Any] = []
    if source is not None:
        span = {"start": start, "end": end, "limit": limit + 1}
        rows = candle_rows(instrument=instrument, timeframe=timeframe, source=source, **span)
    # Paging goes forward from a start; without one these are the newest, and there is nothing after them.
    following = rows[limit][0] if start is not None and len(rows) > limit else None
    shown = rows[:limit] if start is not None else rows[-limit:]
    return {
        "symbol": instrument.symbol,
        "timeframe": timeframe,
        "source": source,
        "results": [dict(zip(FIELDS, row, strict=True)) for row in shown],
        "next": following,
    }
