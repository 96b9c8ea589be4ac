"""Candles, indicators and trade markers for the charts; history is read from the series that the feed brings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from algotrendy.trading import indicators
from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.values import Timeframe
from apps.accounts.models import User
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import candles_window, series_list, source_of
from apps.orders.selectors import fills_of
from apps.portfolio.models import Portfolio

SHOWN = 400
WARM_UP = 200
"""Candles before the first one shown, so that the indicators have settled by then."""
SMA_PERIOD, EMA_PERIOD, RSI_PERIOD = 50, 21, 14
DAY = 86_400
type Data = dict[str, Any]


def series_offered() -> list[Data]:
    """Return the instruments with candles, and the timeframes of each, in the order of the selectors."""
    offered: dict[str, list[str]] = {}
    for series in series_list():
        frames = offered.setdefault(series.symbol, [])
        if series.timeframe.value not in frames:
            frames.append(series.timeframe.value)
    return [{"symbol": symbol, "timeframes": frames} for symbol, frames in offered.items()]


def chart(
    *, user: User, instrument: Instrument, timeframe: str, portfolio: Portfolio | None, tail: int | None = None
) -> Data:
    """Return candles with indicators, the last day's figures and the portfolio's trades on them.

    `tail` narrows the columns to the newest so many, which is what a live chart asks for after each candle.
    """
    source = source_of(instrument, timeframe)
    window = candles_window(
        instrument=instrument, timeframe=timeframe, source=source or "", until=None, length=SHOWN + WARM_UP
    )
    shown = min(len(window), tail or SHOWN)
    first = int(window.time[-shown]) if shown else None
    return {
        "symbol": instrument.symbol,
        "timeframe": timeframe,
        "source": source,
        "price_decimals": instrument.price_decimals,
        "candles": _rows(window, shown),
        "overlays": _overlays(window, shown),
        "day": _last_day(window, timeframe),
        "markers": _markers(user, portfolio, instrument, timeframe, first),
    }


def _rows(window: Candles, shown: int) -> list[list[float]]:
    """Return [unix seconds, open, high, low, close, volume] for each candle shown."""
    columns = (window.open, window.high, window.low, window.close, window.volume)
    prices = np.stack(columns, axis=1)[len(window) - shown :].tolist() if shown else []
    times = window.time[len(window) - shown :].tolist()
    return [[time, *row] for time, row in zip(times, prices, strict=True)]


def _overlays(window: Candles, shown: int) -> Data:
    if not shown:
        return {"sma": [], "ema": [], "rsi": []}
    return {
        "sma": _column(indicators.sma(window.close, SMA_PERIOD), shown),
        "ema": _column(indicators.ema(window.close, EMA_PERIOD), shown),
        "rsi": _column(indicators.rsi(window.close, RSI_PERIOD), shown),
    }


def _column(values: Floats, shown: int) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values[len(values) - shown :]]


def _last_day(window: Candles, timeframe: str) -> Data:
    """Return the last price with its change, high and low over the last day of market time.

    The change is against the last candle that had closed a day before the newest one did; None where none had.
    """
    if not len(window):
        return {"price": None, "at": None, "change_percent": None, "high": None, "low": None}
    step = int(Timeframe(timeframe).duration.total_seconds())
    closed_at = int(window.time[-1]) + step
    before = np.flatnonzero(window.time + step <= closed_at - DAY)
    within = window.time + step > closed_at - DAY
    price = float(window.close[-1])
    base = float(window.close[before[-1]]) if len(before) else None
    return {
        "price": price,
        "at": datetime.fromtimestamp(closed_at, UTC).isoformat(),
        "change_percent": None if base is None else (price / base - 1) * 100,
        "high": float(window.high[within].max()),
        "low": float(window.low[within].min()),
    }


def _markers(
    user: User, portfolio: Portfolio | None, instrument: Instrument, timeframe: str, first: int | None
) -> list[Data]:
    """Return the portfolio's fills since the first candle shown, each on the candle in which it happened."""
    if portfolio is None or first is None:
        return []
    fills = (
        fills_of(user)
        .filter(order__portfolio=portfolio, order__instrument=instrument)
        .filter(executed_at__gte=datetime.fromtimestamp(first, UTC))
        .order_by("executed_at")
    )
    frame = Timeframe(timeframe)
    return [
        {
            "time": int(frame.floor(fill.executed_at).timestamp()),
            "side": fill.side,
            "order": str(fill.order_id),
            "price": f"{fill.price:f}",
            "quantity": f"{fill.quantity:f}",
        }
        for fill in fills[:500]
    ]
