"""What came of a backtest as files: CSV, JSON, and a page that needs nothing else."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from apps.common.api.views import ApiView
from apps.strategies.api.serializers import BacktestDetailSerializer
from apps.strategies.models import Backtest
from apps.strategies.selectors.results import curve_csv, trade_rows, trades_csv

from .backtests import completed_or_409


class _Whatever(BaseContentNegotiation):
    """The address names the kind of file, whatever the caller says it accepts."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]


class ExportView(ApiView):
    """A file of a completed backtest."""

    access = {"GET": "strategies.view_backtest"}
    problems = {"GET": (409,)}
    content_negotiation_class = _Whatever

    def file(self, response: Any, backtest: Backtest, name: str) -> Any:
        response["Content-Disposition"] = f'attachment; filename="backtest-{str(backtest.pk)[:8]}-{name}"'
        return response

    def csv(self, request: Request, backtest_id: uuid.UUID, name: str, lines: Callable[[Backtest], Any]) -> Any:
        backtest = completed_or_409(request, backtest_id)
        response = StreamingHttpResponse(lines(backtest), content_type="text/csv; charset=utf-8")
        return self.file(response, backtest, name)


class TradesFileView(ExportView):
    @extend_schema(operation_id="backtest_trades_csv", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, backtest_id: uuid.UUID) -> Any:
        """Give all trades as CSV."""
        return self.csv(request, backtest_id, "trades.csv", trades_csv)


class EquityFileView(ExportView):
    @extend_schema(operation_id="backtest_equity_csv", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, backtest_id: uuid.UUID) -> Any:
        """Give the whole equity curve as CSV."""
        return self.csv(request, backtest_id, "equity.csv", curve_csv)


class ResultFileView(ExportView):
    @extend_schema(operation_id="backtest_result_json", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, backtest_id: uuid.UUID) -> Any:
        """Give the setup, every figure and all trades as JSON."""
        backtest = completed_or_409(request, backtest_id)
        body = {"backtest": BacktestDetailSerializer(backtest).data, "trades": trade_rows(backtest)}
        return self.file(Response(body), backtest, "result.json")


class ReportFileView(ExportView):
    @extend_schema(operation_id="backtest_report_html", responses={(200, "text/html"): OpenApiTypes.STR})
    def get(self, request: Request, backtest_id: uuid.UUID) -> Any:
        """Give the report as a page with charts that needs no network."""
        backtest = completed_or_409(request, backtest_id)
        page = zlib.decompress(bytes(backtest.result.report))
        return self.file(HttpResponse(page, content_type="text/html; charset=utf-8"), backtest, "report.html")
