"""The candle that is not finished yet: kept in Redis, told of as a price, never stored."""

from __future__ import annotations

from django.utils import timezone

from algotrendy.trading.candles import Bar
from apps.common.events import publish
from apps.marketdata import forming
from apps.marketdata.models import Feed
from apps.marketdata.services.arriving import figures_of


def forming_keep(*, feed: Feed, bar: Bar) -> None:
    """Keep a feed's unfinished candle for a while, and tell its close as the newest price."""
    told = {"timeframe": bar.timeframe.value, "source": feed.source, "at": timezone.now().isoformat()}
    figures = figures_of(bar)
    forming.keep(bar.symbol, {**figures, **told})
    publish("ticker", {"symbol": bar.symbol, "price": figures["close"], **told})
