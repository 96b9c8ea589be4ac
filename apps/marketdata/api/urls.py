from django.urls import path, register_converter

from . import views


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
    path("market-data/<symbol:symbol>/candles", views.CandlesView.as_view(), name="candles"),
    path("market-data/<symbol:symbol>/latest", views.LatestView.as_view(), name="latest-candle"),
]
