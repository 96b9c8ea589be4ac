"""MFI: as RSI, weighted with the money behind each move."""

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


@dataclass(frozen=True)
class Mfi(Strategy):
    """Buy while the money flow index is below `oversold`, sell while it is above `overbought`.

    Confidence: the distance beyond the threshold over 20, within 0.5 and 0.9, times 0.8 on volume below `min_volume`;
    hold 0.4. Stop 3 %, target 6 %. Warm-up `period` candles.
    """

    name: ClassVar[str] = "mfi"
    title: ClassVar[str] = "Money flow"
    summary: ClassVar[str] = "Buys oversold and sells overbought prices by the money flow index."

    period: int = number(14, "Candles of the index.", minimum=2, maximum=200)
    oversold: float = number(20.0, "Index below which it buys.", minimum=1, maximum=99)
    overbought: float = number(80.0, "Index above which it sells.", minimum=1, maximum=99)
    min_volume: float = number(50_000, "Volume below which it is less sure.", minimum=0, maximum=1e15)

    @property
    def warm_up(self) -> int:
        return self.period

    def validate(self) -> None:
        if self.oversold >= self.overbought:
            raise InvalidParameter(f"oversold {self.oversold:g} must be below overbought {self.overbought:g}.")

    def signals(self, candles: Candles) -> SignalColumns:
        value = self._index(candles)
        buys, sells = value < self.oversold, value > self.overbought
        distance = np.where(buys, self.oversold - value, value - self.overbought)
        confidence = np.where(np.isnan(value), np.nan, np.clip(distance / 20, 0.5, 0.9))
        return compose(
            candles,
            buys=buys,
            sells=sells,
            confidence=weaken(confidence, candles.volume < self.min_volume, 0.8),
            hold_confidence=0.4,
            stop_percent=3,
            target_percent=6,
            warm_up=self.warm_up,
        )

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        value = self._index(candles)[-1]
        return f"MFI({self.period}) {value:.1f}, oversold {self.oversold:g}, overbought {self.overbought:g}"

    def _index(self, candles: Candles) -> Floats:
        return indicators.mfi(candles.high, candles.low, candles.close, candles.volume, self.period)
