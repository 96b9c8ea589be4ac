"""Candles for tests of the core, by hand or from the bundled files."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from algotrendy.trading.candles import Candles
from algotrendy.trading.matching import first_of, match
from algotrendy.trading.values import Timeframe

DATASETS = Path(__file__).parents[2] / "apps" / "marketdata" / "datasets"


def make_candles(close, *, high=None, low=None, open=None, volume=1_000_000.0, timeframe=Timeframe.H1):
    """Return hourly candles from closes; high, low and open default to the close, volume may be one number."""
    close = np.asarray(close, dtype=float)
    count = len(close)
    start = int(datetime(2017, 1, 2, tzinfo=UTC).timestamp())
    step = int(timeframe.duration.total_seconds())
    return Candles(
        symbol="TEST",
        timeframe=timeframe,
        time=np.arange(start, start + count * step, step, dtype=np.int64),
        open=close if open is None else np.asarray(open, dtype=float),
        high=close if high is None else np.asarray(high, dtype=float),
        low=close if low is None else np.asarray(low, dtype=float),
        close=close,
        volume=np.broadcast_to(np.asarray(volume, dtype=float), (count,)).copy(),
    )


def eurusd(count=1000):
    """Return the first candles of the bundled EUR/USD hours of 2017."""
    with (DATASETS / "eurusd-1h-2017.csv").open(encoding="utf-8") as stream:
        rows = [row for row, _ in zip(csv.DictReader(stream), range(count), strict=False)]
    columns = {
        name: np.array([float(row[name]) for row in rows]) for name in ("Open", "High", "Low", "Close", "Volume")
    }
    times = [datetime.strptime(row["Time"], "%d.%m.%Y %H:%M:%S.%f").replace(tzinfo=UTC) for row in rows]
    return Candles(
        symbol="EUR/USD",
        timeframe=Timeframe.H1,
        time=np.array([int(time.timestamp()) for time in times], dtype=np.int64),
        open=columns["Open"],
        high=columns["High"],
        low=columns["Low"],
        close=columns["Close"],
        volume=columns["Volume"],
    )


def first_event(orders, *on):
    """Return what a bar does first to any of the orders."""
    return first_of(match(order, *on) for order in orders)
