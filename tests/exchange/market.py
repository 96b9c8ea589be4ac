"""The made-up market of the loopback exchange: every candle follows from its symbol, length and open time."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Row:
    """One candle; times in Unix seconds, figures as an exchange writes them."""

    time: int
    open: str
    high: str
    low: str
    close: str
    volume: str


def row(symbol: str, seconds: int, time: int) -> Row:
    """Return the candle of `seconds` length that opens at a time: prices wander with a period of 97 candles."""
    number = time // seconds
    base = Decimal(sum(map(ord, symbol)) % 900 + 100)
    opening, close = base + _step(number), base + _step(number + 1)
    return Row(
        time,
        f"{opening:.2f}",
        f"{max(opening, close) + Decimal('0.50'):.2f}",
        f"{min(opening, close) - Decimal('0.25'):.2f}",
        f"{close:.2f}",
        f"{Decimal(number % 89) / 8 + 1:.8f}",
    )


def _step(number: int) -> Decimal:
    place = number % 97
    return Decimal(place if place <= 48 else 97 - place) / 4
