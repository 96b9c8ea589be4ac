"""Rules that misbehave, for tests: each is registered for one test."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from algotrendy.trading.candles import Candles
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.base import Strategy, number


@dataclass(frozen=True)
class TestRule(Strategy):
    """Holds always; what it does besides is the subclass's."""

    __test__: ClassVar[bool] = False
    name: ClassVar[str] = "test_rule"
    title: ClassVar[str] = "Test rule"
    summary: ClassVar[str] = "Holds."

    strength: float = number(1.0, "Means nothing.", minimum=0, maximum=10)

    @property
    def warm_up(self) -> int:
        return 0

    def signals(self, candles: Candles) -> SignalColumns:
        count = len(candles)
        nothing = np.full(count, np.nan)
        return SignalColumns(np.zeros(count, dtype=np.int8), np.zeros(count), nothing, nothing)

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        return "It holds."


@dataclass(frozen=True)
class Raising(TestRule):
    name: ClassVar[str] = "raising"

    def signals(self, candles: Candles) -> SignalColumns:
        raise ValueError("the stars are wrong")


@dataclass(frozen=True)
class Endless(TestRule):
    """Never comes back, and swallows what it can."""

    name: ClassVar[str] = "endless"

    def signals(self, candles: Candles) -> SignalColumns:
        while True:
            try:
                time.sleep(0.01)
            except Exception:  # noqa: S112 - a rule may be anybody's code
                continue


@dataclass(frozen=True)
class Hungry(TestRule):
    name: ClassVar[str] = "hungry"

    def signals(self, candles: Candles) -> SignalColumns:
        np.ones(int(4e9))
        return super().signals(candles)


def add_rule(monkeypatch: pytest.MonkeyPatch, rule: type[Strategy]) -> type[Strategy]:
    """Register a rule until the test ends."""
    monkeypatch.setitem(registry._BY_NAME, rule.name, rule)
    return rule
