"""Candles for these tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from algotrendy.trading.candles import Bar
from algotrendy.trading.values import Timeframe

MONDAY = datetime(2024, 3, 4, tzinfo=UTC)


def make_bar(
    hours: float = 0, *, symbol: str = "BTC/USD", timeframe: Timeframe = Timeframe.H1, **changes: object
) -> Bar:
    """Return the candle that opens so many hours after Monday, 4 March 2024, 00:00 UTC."""
    values: dict[str, object] = {
        "symbol": symbol,
        "timeframe": timeframe,
        "open_time": MONDAY + timedelta(hours=hours),
        "open": Decimal(100),
        "high": Decimal(110),
        "low": Decimal(90),
        "close": Decimal("100.5") + Decimal(str(hours)) % 9,
        "volume": Decimal(7),
        **changes,
    }
    return Bar(**values)  # type: ignore[arg-type]
