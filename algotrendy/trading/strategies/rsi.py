"""RSI: buy what has fallen too fast, sell what has risen too fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from algotrendy.trading import indicators
from algotrendy.trading.candles import Candles
from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.signals import Actions, SignalColumns
from algotrendy.trading.strategies.base import Strategy, number
from algotrendy.trading.strategies.columns import compose


@dataclass(frozen=True)
class Rsi(Strategy):
    """Buy while Wilder's RSI is below `oversold`, sell while it is above `overbought`.

    Confidence: the distance beyond the threshold over 30, at most 0.9; hold 0.4. Stop 3 %, target 6 %. Warm-up
    `period` candles.
    """

    name: ClassVar[str] = "rsi"
    title: ClassVar[str] = "RSI reversion"
    summary: ClassVar[str] = "Buys oversold and sells overbought prices by Wilder's RSI."

    period: int = number(14, "Candles of the RSI.", minimum=2, maximum=200)
    oversold: float = number(30.0, "RSI below which it buys.", minimum=1, maximum=99)
    overbought: float = number(70.0, "RSI above which it sells.", minimum=1, maximum=99)

    @property
    def warm_up(self) -> int:
        return self.period

    def validate(self) -> None:
        if self.oversold >= self.overbought:
            raise InvalidParameter(f"oversold {self.oversold:g} must be below overbought {self.overbought:g}.")

    def signals(self, candles: Candles) -> SignalColumns:
        value = indicators.rsi(candles.close, self.period)
        buys, sells = value < self.oversold, value > self.overbought
        distance = np.where(buys, self.oversold - value, value - self.overbought)
        confidence = np.where(np.isnan(value), np.nan, np.clip(distance / 30, 0, 0.9))
        return compose(
            candles,
            buys=buys,
            sells=sells,
            confidence=confidence,
            hold_confidence=0.4,
            stop_percent=3,
            target_percent=6,
            warm_up=self.warm_up,
        )

    def actions(self, candles: Candles) -> Actions:
        value = indicators.rsi(candles.close, self.period)
        buys = (value < self.oversold).view(np.int8)
        return np.subtract(buys, (value > self.overbought).view(np.int8), out=buys)

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        value = indicators.rsi(candles.close, self.period)[-1]
        return f"RSI({self.period}) {value:.1f}, oversold {self.oversold:g}, overbought {self.overbought:g}"
