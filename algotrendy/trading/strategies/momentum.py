"""Momentum: follow a candle that moves far while the market as a whole is calm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from algotrendy.trading import indicators
from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies.base import Strategy, number
from algotrendy.trading.strategies.columns import compose, weaken

VOLATILITY_PERIOD = 20


@dataclass(frozen=True)
class Momentum(Strategy):
    """Buy when the close changes by more than `buy_threshold` percent, sell below `sell_threshold`.

    Only while the deviation of the last 20 returns is below `volatility_filter`. Confidence: |change| / 5, at most
    0.95, times 0.7 on volume below `min_volume`; hold 0.3. Stop 2 %, target 5 %. Warm-up 20 candles.
    """

    name: ClassVar[str] = "momentum"
    title: ClassVar[str] = "Momentum"
    summary: ClassVar[str] = "Follows a strong candle in a calm market."

    buy_threshold: float = number(2.0, "Change of the close, in percent, above which it buys.", minimum=0, maximum=50)
    sell_threshold: float = number(-2.0, "Change, in percent, below which it sells.", minimum=-50, maximum=0)
    volatility_filter: float = number(0.15, "Deviation of returns above which it waits.", minimum=0.0001, maximum=10)
    min_volume: float = number(100_000, "Volume below which it is less sure.", minimum=0, maximum=1e15)

    @property
    def warm_up(self) -> int:
        return VOLATILITY_PERIOD

    def validate(self) -> None:
        if self.buy_threshold == self.sell_threshold:
            raise InvalidParameter("buy_threshold and sell_threshold must differ: 0 and 0 would buy and sell at once.")

    def signals(self, candles: Candles) -> SignalColumns:
        change = _change(candles.close)
        calm = indicators.volatility(candles.close, VOLATILITY_PERIOD) < self.volatility_filter
        confidence = np.minimum(np.abs(change) / 5, 0.95)
        return compose(
            candles,
            buys=calm & (change > self.buy_threshold),
            sells=calm & (change < self.sell_threshold),
            confidence=weaken(confidence, candles.volume < self.min_volume, 0.7),
            hold_confidence=0.3,
            stop_percent=2,
            target_percent=5,
            warm_up=self.warm_up,
        )

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        spread = indicators.volatility(candles.close, VOLATILITY_PERIOD)[-1]
        change = _change(candles.close)[-1]
        return f"Change {change:+.2f} %, deviation of returns {spread:.4f} (filter {self.volatility_filter:g})"


def _change(close: Floats) -> Floats:
    """Return each close's change from the one before, in percent; NaN for the first."""
    result = np.full(len(close), np.nan)
    result[1:] = np.diff(close) / close[:-1] * 100
    return result
