"""Ask an exchange for pages of candles, from code that waits for the answer, and tell its breaker how it went."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from django.utils import timezone

from algotrendy.trading.values import Timeframe
from apps.marketdata import breaker
from apps.marketdata.models import Download, Feed
from apps.marketdata.sources.exchanges import Exchange, ExchangeBusy, ExchangeUnreachable, Page


@contextmanager
def exchange_opened(exchange_id: str) -> Iterator[tuple[asyncio.Runner, Exchange]]:
    """Open an exchange, with the event loop that its questions run in."""
    with asyncio.Runner() as runner:
        exchange = Exchange(exchange_id, now=timezone.now)
        runner.run(exchange.__aenter__())
        try:
            yield runner, exchange
        finally:
            runner.run(exchange.__aexit__(None, None, None))


async def page_asked(
    exchange: Exchange, series: Feed | Download, *, start: datetime | None, limit: int | None = None
) -> Page:
    """Return a page of a series under the house's symbol, whatever the exchange calls the instrument."""
    symbol = series.instrument.symbol
    try:
        page = await exchange.candles(
            symbol=series.source_symbol or symbol, timeframe=Timeframe(series.timeframe), start=start, limit=limit
        )
    except (ExchangeBusy, ExchangeUnreachable):
        breaker.failed(exchange.exchange_id)
        raise
    breaker.succeeded(exchange.exchange_id)
    forming = page.forming and replace(page.forming, symbol=symbol)
    return Page([replace(bar, symbol=symbol) for bar in page.bars], forming)
