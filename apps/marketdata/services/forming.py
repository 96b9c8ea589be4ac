"""The candle that is not finished yet: kept in Redis, told of as a price, never stored."""

from __future__ import annotations

from django.utils import timezone

from algotrendy.trading.candles import Bar
from apps.common.events import publish
from apps.marketdata import forming
from apps.marketdata.models import Feed
from apps.marketdata.selectors.telling import figures_of, tick_told


def forming_keep(*, feed: Feed, bar: Bar) -> None:
    """Keep a feed's unfinished candle for a while, and tell its close as the newest price."""
    series = {"timeframe": bar.timeframe.value, "source": feed.source, "at": timezone.now().isoformat()}
    figures = {**figures_of(bar), **series}
    forming.keep(bar.symbol, figures)
    publish("ticker", tick_told(bar.symbol, figures))
