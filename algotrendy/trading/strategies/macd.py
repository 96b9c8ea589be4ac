"""MACD: trade in the direction in which the trend gathers speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from algotrendy.trading import indicators
from algotrendy.trading.candles import Candles
from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies.base import Strategy, number
from algotrendy.trading.strategies.columns import compose, weaken


@dataclass(frozen=True)
class Macd(Strategy):
    """Buy while the MACD histogram is above `threshold`, sell while it is below its negative.

    Confidence: |histogram| over 1 % of the price, within 0.5 and 0.95, times 0.7 on volume below `min_volume`;
    hold 0.3. Stop 3 %, target 6 %. Warm-up `slow + signal - 2` candles.
    """

    name: ClassVar[str] = "macd"
    title: ClassVar[str] = "MACD"
    summary: ClassVar[str] = "Trades the sign of the MACD histogram."

    fast: int = number(12, "Candles of the fast EMA.", minimum=2, maximum=200)
    slow: int = number(26, "Candles of the slow EMA.", minimum=3, maximum=400)
    signal: int = number(9, "Candles of the signal line.", minimum=1, maximum=200)
    threshold: float = number(0.0001, "Histogram, in price units, beyond which it trades.", minimum=0, maximum=1e6)
    min_volume: float = number(100_000, "Volume below which it is less sure.", minimum=0, maximum=1e15)

    @property
    def warm_up(self) -> int:
        return self.slow + self.signal - 2

    def validate(self) -> None:
        if self.fast >= self.slow:
            raise InvalidParameter(f"fast {self.fast} must be below slow {self.slow}.")

    def signals(self, candles: Candles) -> SignalColumns:
        _, _, histogram = indicators.macd(candles.close, self.fast, self.slow, self.signal)
        confidence = np.clip(np.abs(histogram) / (candles.close * 0.01), 0.5, 0.95)
        return compose(
            candles,
            buys=histogram > self.threshold,
            sells=histogram < -self.threshold,
            confidence=weaken(confidence, candles.volume < self.min_volume, 0.7),
            hold_confidence=0.3,
            stop_percent=3,
            target_percent=6,
            warm_up=self.warm_up,
        )

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        line, signal, histogram = indicators.macd(candles.close, self.fast, self.slow, self.signal)
        return f"MACD {line[-1]:.6g}, signal line {signal[-1]:.6g}, histogram {histogram[-1]:+.6g}"
