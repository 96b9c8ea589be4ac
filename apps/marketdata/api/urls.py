from django.urls import path, register_converter

from . import candles, history, indicators, views


class SymbolConverter:
    """A symbol in an address, also with its slash: EUR/USD or EUR%2FUSD."""

    regex = r"[A-Za-z0-9_-]{1,40}(?:/[A-Za-z0-9_-]{1,40})?"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(SymbolConverter, "symbol")

urlpatterns = [
    path("market-data/instruments", views.InstrumentsView.as_view(), name="instruments"),
    path("market-data/instruments/<symbol:symbol>", views.InstrumentView.as_view(), name="instrument"),
    path("market-data/feeds", views.FeedsView.as_view(), name="feeds"),
    path("market-data/summary", views.SummaryView.as_view(), name="market-summary"),
    path("market-data/indicators", indicators.IndicatorsView.as_view(), name="indicators"),
    path("market-data/gaps", history.GapsView.as_view(), name="gaps"),
    path("market-data/gaps/<uuid:gap_id>/backfill", history.GapBackfillView.as_view(), name="gap-backfill"),
    path("market-data/downloads", history.DownloadsView.as_view(), name="downloads"),
    path("market-data/downloads/<uuid:download_id>", history.DownloadView.as_view(), name="download"),
    path(
        "market-data/downloads/<uuid:download_id>/cancel", history.DownloadCancelView.as_view(), name="download-cancel"
    ),
    path("market-data/<symbol:symbol>/candles", candles.CandlesView.as_view(), name="candles"),
    path("market-data/<symbol:symbol>/latest", candles.LatestView.as_view(), name="latest-candle"),
    path("market-data/<symbol:symbol>/ticker", candles.TickerView.as_view(), name="ticker"),
    path("market-data/<symbol:symbol>/indicators", indicators.IndicatorView.as_view(), name="indicator"),
]
