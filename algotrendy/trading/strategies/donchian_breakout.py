"""Donchian breakout: follow a price that leaves the range of its last weeks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from algotrendy.trading import indicators
from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies.base import Strategy, number
from algotrendy.trading.strategies.columns import Flags, compose

RANGE_PERIOD = 20
"""Candles of the average true range: the turtles' N."""


@dataclass(frozen=True)
class DonchianBreakout(Strategy):
    """Buy at a close above the highest high of the `entry` candles before it, sell below their lowest low.

    The turtles' first system (Faith, The Original Turtle Trading Rules, 2003), asked at the close. The stop of a buy is
    the nearer of `stop_ranges` average true ranges over 20 candles below the close and the lowest low of the `exit`
    candles before; mirrored for a sell; no target. The stop stays where the entry put it. Confidence: 0.5 and half of
    the distance beyond the channel in average true ranges, at most 0.95; hold 0.3. Warm-up: the largest of `entry` and
    20 candles.
    """

    name: ClassVar[str] = "donchian_breakout"
    title: ClassVar[str] = "Donchian breakout"
    summary: ClassVar[str] = "Follows a close that leaves the range of the candles before it."

    entry: int = number(20, "Candles of the channel that it enters on.", minimum=2, maximum=400)
    exit: int = number(10, "Candles of the channel whose far end is a stop.", minimum=1, maximum=400)
    stop_ranges: float = number(2.0, "Average true ranges between close and stop.", minimum=0.1, maximum=20)

    @property
    def warm_up(self) -> int:
        return max(self.entry, RANGE_PERIOD)

    def validate(self) -> None:
        if self.exit > self.entry:
            raise InvalidParameter(f"exit {self.exit} must not be above entry {self.entry}.")

    def signals(self, candles: Candles) -> SignalColumns:
        close = candles.close
        top, bottom = indicators.channel(candles.high, candles.low, self.entry)
        usual = indicators.atr(candles.high, candles.low, close, RANGE_PERIOD)
        buys, sells = close > top, close < bottom
        beyond = np.where(buys, close - top, bottom - close)
        share = np.divide(beyond, usual, out=np.zeros(len(candles)), where=usual > 0)
        return compose(
            candles,
            buys=buys,
            sells=sells,
            confidence=np.clip(0.5 + share / 2, 0.5, 0.95),
            hold_confidence=0.3,
            stops=self._stops(candles, usual, buys),
            warm_up=self.warm_up,
        )

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        top, bottom = (column[-1] for column in indicators.channel(candles.high, candles.low, self.entry))
        return f"Close {candles.close[-1]:.6g}, range of {self.entry} candles {bottom:.6g} to {top:.6g}"

    def _stops(self, candles: Candles, usual: Floats, buys: Flags) -> Floats:
        """Return the nearer of the two stops on the side that each row would trade."""
        top, bottom = indicators.channel(candles.high, candles.low, self.exit)
        distance = self.stop_ranges * usual
        return np.where(buys, np.maximum(candles.close - distance, bottom), np.minimum(candles.close + distance, top))
