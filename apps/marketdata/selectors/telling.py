"""Candles and prices as streams tell them."""

from __future__ import annotations

from typing import Any

from algotrendy.trading.candles import Bar
from apps.marketdata import forming
from apps.marketdata.models import UNDER_WAY, Candle, Download, Feed

from .candles import PRICES
from .downloads import downloads
from .series import series_rows
from .summary import market_summary

TICK = ("timeframe", "source", "at")


def figures_of(bar: Bar | Candle) -> dict[str, str]:
    """Return a candle's time and figures as text."""
    return {"time": bar.open_time.isoformat(), **{name: f"{getattr(bar, name).normalize():f}" for name in PRICES}}


def candle_told(feed: Feed, bar: Bar | Candle) -> dict[str, Any]:
    """Return a finished candle of a feed."""
    series = {"symbol": feed.instrument.symbol, "timeframe": feed.timeframe, "source": feed.source}
    return {**series, "feed_id": feed.pk, **figures_of(bar)}


def tick_told(symbol: str, figures: dict[str, str]) -> dict[str, Any]:
    """Return the newest price of a candle that is not finished."""
    return {"symbol": symbol, "price": figures["close"], **{name: figures[name] for name in TICK}}


def candles_told(user: object, most: int) -> list[dict[str, Any]]:
    """Return the last candle of each enabled feed."""
    newest = (
        (feed, series_rows(feed.instrument, feed.timeframe, feed.source).order_by("-open_time").first())
        for feed in _fed(most)
    )
    return [candle_told(feed, candle) for feed, candle in newest if candle is not None]


def ticks_told(user: object, most: int) -> list[dict[str, Any]]:
    """Return the prices of the candles that are not finished."""
    found = {feed.instrument.symbol: forming.read(feed.instrument.symbol) for feed in _fed(most)}
    return [tick_told(symbol, figures) for symbol, figures in found.items() if figures is not None]


def summary_told(user: object, most: int) -> list[dict[str, Any]]:
    """Return how the market stands."""
    return [market_summary()]


def download_told(download: Download) -> dict[str, Any]:
    """Return how far a download is, `progress` in percent."""
    return {
        "id": str(download.pk),
        "symbol": download.instrument.symbol,
        "timeframe": download.timeframe,
        "source": download.source,
        "status": download.status,
        "progress": download.progress,
        "pages": download.pages,
        "error": download.error,
    }


def downloads_told(user: object, most: int) -> list[dict[str, Any]]:
    """Return the downloads that wait or run."""
    return [download_told(row) for row in downloads().filter(status__in=UNDER_WAY)[:most]]


def _fed(most: int) -> list[Feed]:
    return list(Feed.objects.filter(enabled=True).select_related("instrument").order_by("pk")[:most])
