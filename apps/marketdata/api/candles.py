"""Reading candles and prices; anybody may."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from apps.common.api.errors import answer_with
from apps.common.api.permissions import PUBLIC
from apps.common.api.serializers import plain
from apps.common.api.throttling import MARKET_DATA
from apps.common.api.views import ApiView, Revalidated
from apps.marketdata import selectors
from apps.marketdata.services.reading import read_across

from .answers import SYMBOL, kept_answer
from .serializers import COLUMNS, CandleSerializer, CandlesQuerySerializer, CandlesSerializer, TickerSerializer

answer_with(selectors.NoCandle, 404)


class _FormatIsOurs(DefaultContentNegotiation):
    """Leave the parameter `format` to the view: it says how candles are laid out, not what renders them."""

    settings = SimpleNamespace(URL_FORMAT_OVERRIDE=None)  # type: ignore[assignment]


class CandlesView(Revalidated, ApiView):
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
        asked = query.validated_data
        return kept_answer("candles", symbol, asked, lambda: _listed(symbol, **asked))


class LatestView(Revalidated, ApiView):
    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="latest_candle_get", parameters=[SYMBOL], responses={200: CandleSerializer})
    def get(self, request: Request, symbol: str) -> Response:
        """Show the candle that closed last on the instrument's feed."""
        return kept_answer("latest_candle", symbol, {"as": "answer"}, lambda: _latest(symbol))


class TickerView(Revalidated, ApiView):
    access = {"GET": PUBLIC}
    rate_scope = MARKET_DATA

    @extend_schema(operation_id="ticker_get", parameters=[SYMBOL], responses={200: TickerSerializer})
    def get(self, request: Request, symbol: str) -> Response:
        """Show the newest price, of the unfinished candle where there is one, and the day that it ends."""
        return Response(TickerSerializer(selectors.ticker(symbol)).data)


def _listed(symbol: str, *, format: str, **asked: Any) -> dict[str, Any]:
    instrument = selectors.instrument_get(symbol)
    page = selectors.candles_page(instrument=instrument, **asked)
    if page.source is not None:
        times = [row[0] for row in page.rows]
        read_across(instrument=instrument, timeframe=page.timeframe, source=page.source, times=times)
    body: dict[str, Any] = {"symbol": symbol, "timeframe": page.timeframe, "source": page.source}
    body |= {"columns": _columns(page.rows)} if format == COLUMNS else {"results": [_row(row) for row in page.rows]}
    return {**body, "next": None if page.next_start is None else text_of(page.next_start)}


def _latest(symbol: str) -> dict[str, Any]:
    candle = selectors.latest_candle(selectors.instrument_get(symbol))
    if candle is None:
        raise selectors.NoCandle(f"No candle of {symbol} has arrived yet.")
    return dict(CandleSerializer(candle).data)


def _row(row: selectors.CandleRow) -> dict[str, str]:
    """Lay out a row by hand: a serializer for each would take most of the request's time."""
    time, opened, high, low, close, volume = row
    return {
        "time": text_of(time),
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


def text_of(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
