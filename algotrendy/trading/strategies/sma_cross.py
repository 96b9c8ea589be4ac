"""SMA cross: long while the fast average is above the slow one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from algotrendy.trading import indicators
from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.signals import Actions, SignalColumns
from algotrendy.trading.strategies.base import Strategy, number
from algotrendy.trading.strategies.columns import compose

TIE = 1e-12
"""Averages closer than this share of the price are equal: running sums leave that much noise."""


@dataclass(frozen=True)
class SmaCross(Strategy):
    """Buy while the fast SMA is above the slow one, sell while it is below; equal averages hold.

    The signal is a state: it stands on every candle, so a strategy that was enabled late, or stopped out, enters on
    the next one. Confidence: the averages' distance over 1 % of the slow one, within 0.5 and 0.95; hold 0.3. Stop
    5 %, target 10 %. Warm-up `slow - 1` candles.
    """

    name: ClassVar[str] = "sma_cross"
    title: ClassVar[str] = "SMA cross"
    summary: ClassVar[str] = "Holds the side on which the fast average is of the slow one."

    fast: int = number(20, "Candles of the fast average.", minimum=1, maximum=400)
    slow: int = number(50, "Candles of the slow average.", minimum=2, maximum=500)

    @property
    def warm_up(self) -> int:
        return self.slow - 1

    def validate(self) -> None:
        if self.fast >= self.slow:
            raise InvalidParameter(f"fast {self.fast} must be below slow {self.slow}.")

    def signals(self, candles: Candles) -> SignalColumns:
        fast, slow = self._averages(candles)
        action = self.actions(candles)
        return compose(
            candles,
            buys=action > 0,
            sells=action < 0,
            confidence=np.clip(np.abs(fast - slow) / (slow * 0.01), 0.5, 0.95),
            hold_confidence=0.3,
            stop_percent=5,
            target_percent=10,
            warm_up=self.warm_up,
        )

    def actions(self, candles: Candles) -> Actions:
        """Ask the tie rule of each row only where the gap is below the largest tie: most rows are far from it.

        The gap takes the slow average's memory where that is ours: on long histories fresh memory costs more than the
        arithmetic.
        """
        fast, slow = self._averages(candles)
        gap = np.subtract(fast, slow, out=slow if slow.flags.writeable else None)
        largest = TIE * candles.close.max(initial=0.0)
        above, below = gap > largest, gap < -largest
        action = np.subtract(above.view(np.int8), below.view(np.int8), out=above.view(np.int8))
        near = np.flatnonzero(action == 0)
        ties = TIE * candles.close[near]
        action[near] = (gap[near] > ties).astype(np.int8) - (gap[near] < -ties)
        return action

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        fast, slow = self._averages(candles)
        gap = (fast[-1] / slow[-1] - 1) * 100
        return f"SMA({self.fast}) {fast[-1]:.6g}, SMA({self.slow}) {slow[-1]:.6g}, {gap:+.3f} % apart"

    def _averages(self, candles: Candles) -> tuple[Floats, Floats]:
        fast = candles.close if self.fast == 1 else indicators.sma(candles.close, self.fast)
        return fast, indicators.sma(candles.close, self.slow)
