"""Bollinger reversion: buy what lies below its usual range, sell what lies above, and aim for the middle."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from algotrendy.trading import indicators
from algotrendy.trading.candles import Candles
from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies.base import Strategy, number
from algotrendy.trading.strategies.columns import compose

TIE = 1e-12
"""A close within this share of a band is on it: the average of equal prices differs from them by that much noise."""


@dataclass(frozen=True)
class BollingerReversion(Strategy):
    """Buy when the close is below the lower band, sell when it is above the upper one.

    The bands lie `deviations` population deviations around the average of the last `period` closes (Bollinger on
    Bollinger Bands, 2001). Confidence: 0.5 and half of the distance beyond the band in deviations, at most 0.95; hold
    0.3. Stop 3 %, target the average. Warm-up `period - 1` candles.
    """

    name: ClassVar[str] = "bollinger_reversion"
    title: ClassVar[str] = "Bollinger reversion"
    summary: ClassVar[str] = "Trades back into Bollinger's bands."

    period: int = number(20, "Candles of the average and the deviation.", minimum=3, maximum=400)
    deviations: float = number(2.0, "Deviations between the average and a band.", minimum=0.1, maximum=10)

    @property
    def warm_up(self) -> int:
        return self.period - 1

    def validate(self) -> None:
        """Refuse bands that no close can leave: one of n values lies at most √(n - 1) deviations from their mean."""
        furthest = sqrt(self.period - 1)
        if self.deviations >= furthest:
            raise InvalidParameter(
                f"deviations {self.deviations:g} must be below {furthest:.4g}: of {self.period} closes none lies "
                "further from their average."
            )

    def signals(self, candles: Candles) -> SignalColumns:
        middle, deviation = indicators.bollinger(candles.close, self.period)
        distance = candles.close - middle
        beyond = np.abs(distance) - self.deviations * deviation
        outside = beyond > TIE * candles.close
        share = np.divide(beyond, deviation, out=np.zeros(len(candles)), where=deviation > 0)
        return compose(
            candles,
            buys=outside & (distance < 0),
            sells=outside & (distance > 0),
            confidence=np.clip(0.5 + share / 2, 0.5, 0.95),
            hold_confidence=0.3,
            stop_percent=3,
            targets=middle,
            warm_up=self.warm_up,
        )

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        middle, deviation = (column[-1] for column in indicators.bollinger(candles.close, self.period))
        lower, upper = middle - self.deviations * deviation, middle + self.deviations * deviation
        return f"Close {candles.close[-1]:.6g}, bands {lower:.6g} to {upper:.6g}, average {middle:.6g}"
