"""Reading instruments, candles and feeds; anybody may."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from apps.common.api.errors import answer_with
from apps.common.api.permissions import PUBLIC
from apps.common.api.serializers import plain
from apps.common.api.throttling import MARKET_DATA
from apps.common.api.views import ApiView, ListView
from apps.marketdata import selectors
from apps.marketdata.models import Feed, Instrument

from .serializers import (
    COLUMNS,
    CandleSerializer,
    CandlesQuerySerializer,
    CandlesSerializer,
    FeedSerializer,
    InstrumentSerializer,
)

answer_with(selectors.UnknownSymbol, 404)
answer_with(selectors.NoCandle, 404)
SYMBOL = OpenApiParameter("symbol", str, OpenApiParameter.PATH, description="As listed; EUR/USD or EUR%2FUSD.")


class InstrumentsView(ListView):
    """The instruments, by symbol."""

    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA
    serializer_class = InstrumentSerializer
    keyset = ("symbol",)

    def rows(self) -> QuerySet[Instrument]:
        return selectors.instruments()


class InstrumentView(ApiView):
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


class _FormatIsOurs(DefaultContentNegotiation):
    """Leave the parameter `format` to the view: it says how candles are laid out, not what renders them."""

    settings = SimpleNamespace(URL_FORMAT_OVERRIDE=None)  # type: ignore[assignment]


class CandlesView(ApiView):
    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA
    content_negotiation_class = _FormatIsOurs

    @extend_schema(
        operation_id="candles_list", parameters=[SYMBOL, CandlesQuerySerializer], responses={200: CandlesSerializer}
    )
    def get(self, request: Request, symbol: str) -> Response:
        """List finished candles, oldest first: with a start the oldest from there on, else the newest."""
        query = CandlesQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        layout = query.validated_data.pop("format")
        page = selectors.candles_page(instrument=selectors.instrument_get(symbol), **query.validated_data)
        body: dict[str, Any] = {"symbol": symbol, "timeframe": page.timeframe, "source": page.source}
        body |= {"columns": _columns(page.rows)} if layout == COLUMNS else {"results": [_row(row) for row in page.rows]}
        return Response({**body, "next": None if page.next_start is None else _text(page.next_start)})


class LatestView(ApiView):
    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="latest_candle_get", parameters=[SYMBOL], responses={200: CandleSerializer})
    def get(self, request: Request, symbol: str) -> Response:
        """Show the candle that closed last on the instrument's feed."""
        instrument = selectors.instrument_get(symbol)
        candle = selectors.latest_candle(instrument)
        if candle is None:
            raise selectors.NoCandle(f"No candle of {symbol} has arrived yet.")
        return Response(CandleSerializer(candle).data)


def _row(row: selectors.CandleRow) -> dict[str, str]:
    """Lay out a row by hand: a serializer for each would take most of the request's time."""
    time, opened, high, low, close, volume = row
    return {
        "time": _text(time),
        "open": plain(opened),
        "high": plain(high),
        "low": plain(low),
        "close": plain(close),
        "volume": plain(volume),
    }


def _columns(rows: list[selectors.CandleRow]) -> dict[str, list[Any]]:
    times, *figures = zip(*rows, strict=True) if rows else ((),) * 6
    columns: dict[str, list[Any]] = {"time": [int(time.timestamp()) for time in times]}
    return columns | {name: [float(f) for f in column] for name, column in zip(selectors.PRICES, figures, strict=True)}


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
