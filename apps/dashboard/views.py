"""The console's own pages, and the JSON that they read."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, JsonResponse
from django.views import View
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from algotrendy.trading.errors import TradingError
from algotrendy.trading.values import Timeframe
from apps.dashboard import charts
from apps.dashboard.activity import activity
from apps.dashboard.health import health
from apps.dashboard.overview import SPANS, overview, portfolio_chosen
from apps.marketdata.selectors import instrument_get
from apps.portfolio.selectors import portfolios_of


def dashboard_context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the first page what its selectors show; the figures come by JSON."""
    portfolios = portfolios_of(request.user).filter(is_simulation=False)
    chosen = portfolio_chosen(request.user, request.GET.get("portfolio"))
    return {
        **context,
        "title": "Dashboard",
        "subtitle": None,
        "is_fullwidth": True,
        "portfolios": portfolios,
        "chosen": chosen,
        "spans": list(SPANS),
        "page": {"portfolio": str(chosen.pk) if chosen else None, "series": charts.series_offered()},
    }


class MarketView(UnfoldSiteViewMixin, TemplateView):
    """Candles with indicators of one instrument and timeframe."""

    title = "Market data"
    permission_required = ("marketdata.view_candle",)
    template_name = "console/market.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        chosen = portfolio_chosen(self.request.user, self.request.GET.get("portfolio"))
        page = {"portfolio": str(chosen.pk) if chosen else None, "series": charts.series_offered()}
        return super().get_context_data(**kwargs) | {"is_fullwidth": True, "page": page}


class DataView(View):
    """JSON for a page of the console; the site asks for a staff session, the view for the permissions."""

    admin_site: Any = None
    permissions: ClassVar[tuple[str, ...]] = ()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not all(request.user.has_perm(permission) for permission in self.permissions):
            return JsonResponse({"code": "permission_denied", "detail": "Your role does not show this."}, status=403)
        try:
            response = super().dispatch(request, *args, **kwargs)
        except TradingError as error:
            return JsonResponse({"code": error.code, "detail": error.message}, status=400)
        response["Cache-Control"] = "no-store"
        return response


class OverviewData(DataView):
    permissions = ("portfolio.view_portfolio", "portfolio.view_position")

    def get(self, request: HttpRequest) -> JsonResponse:
        portfolio = portfolio_chosen(request.user, request.GET.get("portfolio"))
        if portfolio is None:
            return JsonResponse({"portfolio": None})
        return JsonResponse(overview(request.user, portfolio, request.GET.get("span", "All")))


class ActivityData(DataView):
    permissions = ("portfolio.view_portfolio", "orders.view_fill", "strategies.view_signal")

    def get(self, request: HttpRequest) -> JsonResponse:
        portfolio = portfolio_chosen(request.user, request.GET.get("portfolio"))
        return JsonResponse({"entries": activity(request.user, portfolio) if portfolio else []})


class ChartData(DataView):
    permissions = ("marketdata.view_candle",)

    def get(self, request: HttpRequest) -> JsonResponse:
        frame = request.GET.get("timeframe", "")
        if frame not in {each.value for each in Timeframe}:
            raise TradingError(f"There is no timeframe {frame[:10]!r}.", code="unknown_timeframe")
        tail = request.GET.get("tail", "")
        return JsonResponse(
            charts.chart(
                user=request.user,
                instrument=instrument_get(request.GET.get("symbol", "")),
                timeframe=frame,
                portfolio=portfolio_chosen(request.user, request.GET.get("portfolio")),
                tail=min(int(tail), charts.SHOWN) if tail.isdecimal() and int(tail) > 0 else None,
            )
        )


class HealthData(DataView):
    permissions = ("marketdata.view_feed",)

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"parts": health()})
