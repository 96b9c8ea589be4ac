"""VWAP: trade back towards the price at which most of the volume changed hands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from algotrendy.trading import indicators
from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies.base import Strategy, number, switch
from algotrendy.trading.strategies.columns import compose


@dataclass(frozen=True)
class Vwap(Strategy):
    """Buy when the close is more than `deviation` percent below the rolling VWAP, sell when it is that far above.

    Confidence: |deviation| / threshold x 0.6, within 0.5 and 0.9; with volume confirmation times 1.1 (at most 0.95)
    on volume above 1.2 x its average, times 0.8 below 0.5 x; hold 0.3. Stop 3 %, target VWAP x 1.005 for a buy and
    x 0.995 for a sell; none where that lies on the wrong side of the close. Warm-up `period - 1` candles.
    """

    name: ClassVar[str] = "vwap"
    title: ClassVar[str] = "VWAP reversion"
    summary: ClassVar[str] = "Trades back towards the volume-weighted average price."

    period: int = number(20, "Candles of the average.", minimum=2, maximum=400)
    deviation: float = number(2.0, "Distance from the VWAP, in percent, that it trades.", minimum=0.01, maximum=50)
    volume_confirmation: bool = switch(True, "Whether volume makes it more or less sure.")

    @property
    def warm_up(self) -> int:
        return self.period - 1

    def signals(self, candles: Candles) -> SignalColumns:
        average = self._average(candles)
        distance = (candles.close / average - 1) * 100
        confidence = np.clip(np.abs(distance) / self.deviation * 0.6, 0.5, 0.9)
        buys = distance < -self.deviation
        return compose(
            candles,
            buys=buys,
            sells=distance > self.deviation,
            confidence=self._confirm(candles, confidence),
            hold_confidence=0.3,
            stop_percent=3,
            targets=np.where(buys, average * 1.005, average * 0.995),
            warm_up=self.warm_up,
        )

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        average = self._average(candles)[-1]
        distance = (candles.close[-1] / average - 1) * 100
        return f"Close {distance:+.2f} % from VWAP({self.period}) {average:.6g}, threshold {self.deviation:g} %"

    def _average(self, candles: Candles) -> Floats:
        return indicators.vwap(candles.high, candles.low, candles.close, candles.volume, self.period)

    def _confirm(self, candles: Candles, confidence: Floats) -> Floats:
        if not self.volume_confirmation:
            return confidence
        usual = indicators.rolling_mean(candles.volume, self.period)
        busy, quiet = candles.volume > 1.2 * usual, candles.volume < 0.5 * usual
        return np.where(busy, np.minimum(confidence * 1.1, 0.95), np.where(quiet, confidence * 0.8, confidence))
