"""The pages of backtests that are no forms: the chart's candles, and several side by side."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from apps.strategies.models import JobStatus
from apps.strategies.reports.comparing import COLORS, comparison_of
from apps.strategies.reports.console import chart_of
from apps.strategies.selectors import backtests_of


class BacktestPages:
    """Adds the pages to the model's own."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("compare/", view(self.compare_view), name="strategies_backtest_compare"),
            path("<path:object_id>/chart/", view(self.chart_view), name="strategies_backtest_chart"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def chart_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give the candles and trades of a completed backtest's chart."""
        self._require_view(request)
        backtest = named(backtests_of(request.user), object_id)
        if backtest is None or backtest.status != JobStatus.COMPLETED:
            raise Http404
        instruments = {instrument.symbol: instrument for instrument in backtest.instruments.all()}
        instrument = instruments.get(request.GET.get("symbol", ""))
        if instrument is None:
            return JsonResponse({"code": "unknown_symbol", "detail": "The backtest did not trade it."}, status=400)
        trade = request.GET.get("trade", "")
        return JsonResponse(chart_of(backtest, instrument, int(trade) if trade.isdecimal() else None))

    def compare_view(self, request: HttpRequest) -> HttpResponse:
        """Show completed backtests side by side."""
        self._require_view(request)
        rows = backtests_of(request.user)
        found = [named(rows, each) for each in request.GET.get("ids", "").split(",")[: len(COLORS)]]
        completed = [each for each in found if each is not None and each.status == JobStatus.COMPLETED]
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": "Compare backtests",
            "is_fullwidth": True,
            **(comparison_of(completed) if len(completed) > 1 else {}),
        }
        return TemplateResponse(request, "strategies/backtests_compare.html", context)

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied


def named[Row: Model](rows: QuerySet[Row], identifier: Any) -> Row | None:
    """Return the row of that id, None where there is none or the id is rubbish."""
    try:
        return rows.filter(pk=identifier).first() if identifier else None
    except (ValidationError, ValueError):
        return None
