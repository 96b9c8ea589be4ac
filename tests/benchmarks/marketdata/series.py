"""A series to measure with: one-minute candles of a random walk in cents."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
from django.db import connection

from apps.marketdata.models import Instrument
from apps.marketdata.services.instruments import instrument_create

START = datetime(2005, 1, 1, tzinfo=UTC)
TIMEFRAME, SOURCE = "1m", "bench"


def instrument(symbol: str = "BENCH/USD") -> Instrument:
    found = Instrument.objects.filter(symbol=symbol).first()
    return found or instrument_create(
        symbol=symbol, asset_type="cryptocurrency", quote_currency="USD", price_tick=Decimal("0.01"),
        quantity_step=Decimal("0.0001"),
    )  # fmt: skip


def emptied() -> None:
    """Delete every candle."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE marketdata_candle")


def settled() -> None:
    """Let the server know what is in the table."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE marketdata_candle")


def candles(length: int) -> pa.Table:
    """Return so many candles as columns of Arrow."""
    random = np.random.default_rng(42)
    price = np.round(30_000 + np.cumsum(random.normal(0, 5, length)), 2)
    price += max(0.0, 100 - price.min())
    times = (int(START.timestamp()) + 60 * np.arange(length)) * 1_000_000
    return pa.table(
        {
            "open_time": pa.array(times, pa.timestamp("us", tz="UTC")), "open": price, "high": price + 3.5,
            "low": price - 3.25, "close": price + 1.5, "volume": np.round(random.random(length) * 40, 5),
        }
    )  # fmt: skip
