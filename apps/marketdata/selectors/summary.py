"""How the market stands: all instruments that are fed, at a glance."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.marketdata.models import Feed

from .feeds import feed_is_stale
from .latest import NoCandle
from .ticker import Ticker, ticker

LEADERS = 5


def market_summary() -> dict[str, Any]:
    """Return the counts of rising, falling and unchanged instruments, those that moved most, and how the feeds are.

    A change is that of the ticker, within a day, in percent. JSON-ready.
    """
    feeds = list(Feed.objects.filter(enabled=True).select_related("instrument"))
    tickers = [found for symbol in sorted({feed.instrument.symbol for feed in feeds}) if (found := _known(symbol))]
    ranked = sorted(tickers, key=lambda each: each.change_percent, reverse=True)
    now = timezone.now()
    return {
        "instruments": len(tickers),
        "rising": sum(each.change > 0 for each in tickers),
        "falling": sum(each.change < 0 for each in tickers),
        "unchanged": sum(each.change == 0 for each in tickers),
        "gainers": [_told(each) for each in ranked if each.change > 0][:LEADERS],
        "losers": [_told(each) for each in reversed(ranked) if each.change < 0][:LEADERS],
        "feeds": len(feeds),
        "stale": sum(feed_is_stale(feed, now=now) for feed in feeds),
    }


def _known(symbol: str) -> Ticker | None:
    try:
        return ticker(symbol)
    except NoCandle:
        return None


def _told(each: Ticker) -> dict[str, str]:
    return {"symbol": each.symbol, "price": f"{each.price.normalize():f}", "change_percent": str(each.change_percent)}
