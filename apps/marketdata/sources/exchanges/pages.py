"""From an exchange's rows to candles: exact, in order, and final only when they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import InvalidCandle
from algotrendy.trading.values import Timeframe
from apps.marketdata import metrics

from .errors import ExchangeRefused

SETTLED_AFTER = timedelta(seconds=2)
"""After its close a candle may still change for a moment."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: finished candles, oldest first, and the newest one while it is still unfinished."""

    bars: list[Bar]
    forming: Bar | None


def page_of(
    rows: Iterable[Sequence[Any]], *, exchange_id: str, symbol: str, timeframe: Timeframe, now: datetime
) -> Page:
    """Return the page of [milliseconds, open, high, low, close, volume] rows; `now` is the exchange's time.

    Rows that are no candles are left out and counted. Raises ExchangeRefused where none lies on the house's grid.
    """
    found: dict[datetime, Bar] = {}
    off_grid = 0
    for row in rows:
        try:
            bar = _bar(row, symbol, timeframe)
        except InvalidCandle as error:
            is_off_grid = "does not start" in error.message
            off_grid += is_off_grid
            metrics.CANDLES_REFUSED.labels(exchange_id, "off_grid" if is_off_grid else "bad").inc()
            continue
        if bar.open_time in found:
            metrics.CANDLES_REFUSED.labels(exchange_id, "double").inc()
        found[bar.open_time] = bar
    if off_grid and not found:
        raise ExchangeRefused(
            f"{exchange_id}'s {timeframe} candles do not start where ours do; take a shorter timeframe, of which "
            "longer ones are made."
        )
    bars = [found[time] for time in sorted(found)]
    finished = [bar for bar in bars if bar.close_time + SETTLED_AFTER <= now]
    rest = bars[len(finished) :]
    return Page(finished, rest[0] if rest else None)


def _bar(row: Sequence[Any], symbol: str, timeframe: Timeframe) -> Bar:
    try:
        time = datetime.fromtimestamp(int(row[0]) / 1000, UTC)
        bar = Bar(symbol, timeframe, time, *(Decimal(str(value)) for value in row[1:6]))
    except (TypeError, ValueError, IndexError, InvalidOperation, OverflowError, OSError) as error:
        raise InvalidCandle(f"a row is not a candle: {error}") from None
    bar.validate()
    return bar
