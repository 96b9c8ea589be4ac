"""External: a strategy that says nothing by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from algotrendy.trading.candles import Candles
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies.base import Strategy


@dataclass(frozen=True)
class External(Strategy):
    """Hold on every candle, with confidence 0: what it trades comes by its webhook. Warm-up: none."""

    name: ClassVar[str] = "external"
    title: ClassVar[str] = "External"
    summary: ClassVar[str] = "Signals come from outside, by the strategy's webhook."

    @property
    def warm_up(self) -> int:
        return 0

    def signals(self, candles: Candles) -> SignalColumns:
        count = len(candles)
        none = np.full(count, np.nan)
        return SignalColumns(np.zeros(count, dtype=np.int8), np.zeros(count), none, none)

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        return "It waits for signals from outside"
