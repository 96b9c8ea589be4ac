"""Strategy files for tests, as people write them."""

from __future__ import annotations

from pathlib import Path

GOOD = """\
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from algotrendy.trading import indicators
from algotrendy.trading.strategies.base import Strategy, number, switch
from algotrendy.trading.strategies.columns import compose


@dataclass(frozen=True)
class Mine(Strategy):
    name: ClassVar[str] = "mine"
    title: ClassVar[str] = "Mine"
    summary: ClassVar[str] = "Buys above the average."

    period: int = number(20, "Candles of the average.", minimum=2, maximum=100)
    shorts: bool = switch(True, "Whether it sells too.")

    @property
    def warm_up(self):
        return self.period - 1

    def signals(self, candles):
        average = indicators.sma(candles.close, self.period)
        return compose(
            candles,
            buys=candles.close > average,
            sells=(candles.close < average) & self.shorts,
            confidence=np.full(len(candles), 0.6),
            hold_confidence=0.3,
            stop_percent=3,
            warm_up=self.warm_up,
        )

    def explain(self, candles, columns):
        return "because"
"""


def good(name: str = "mine", period: int = 20) -> str:
    """Return a file that is as it should be."""
    return GOOD.replace('"mine"', f'"{name}"').replace("number(20", f"number({period}")


def edited(old: str, new: str) -> str:
    """Return the good file with one text changed."""
    assert old in GOOD
    return GOOD.replace(old, new)


def write(folder: Path, file: str, text: str | bytes) -> Path:
    path = folder / file
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path
