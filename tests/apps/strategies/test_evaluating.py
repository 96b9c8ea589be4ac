"""Rules that misbehave while they trade: each holds, says why on its own strategy, and the others go on."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from algotrendy.trading.candles import Bar, Candles
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.base import Strategy as Rule
from algotrendy.trading.values import Timeframe
from apps.marketdata.selectors import candles_between
from apps.strategies.models import Signal, Strategy
from apps.strategies.selectors import window_length
from apps.strategies.services import strategy_enable, strategy_evaluate
from apps.strategies.services.configuring import StrategyNotReady
from apps.strategies.services.limiting import in_time
from tests.builders import make_candles_rows, make_instrument, make_strategy
from tests.conftest import Desk
from tests.rules import Endless, Raising, TestRule, add_rule
from tests.trading.files import GOOD, write

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Sure(TestRule):
    """Buys always, as sure as the subclass has it."""

    name: ClassVar[str] = "sure"
    confidence: ClassVar[float] = 0.7
    stop: ClassVar[float] = 0.97

    def signals(self, candles: Candles) -> SignalColumns:
        count = len(candles)
        return SignalColumns(
            np.ones(count, dtype=np.int8),
            np.full(count, self.confidence),
            candles.close * self.stop,
            np.full(count, np.nan),
        )


@dataclass(frozen=True)
class Unsure(Sure):
    name: ClassVar[str] = "unsure"
    confidence: ClassVar[float] = float("nan")


@dataclass(frozen=True)
class StopsAbove(Sure):
    name: ClassVar[str] = "stops_above"
    stop: ClassVar[float] = 1.03


@dataclass(frozen=True)
class Leaving(TestRule):
    name: ClassVar[str] = "leaving"

    def signals(self, candles: Candles) -> SignalColumns:
        raise SystemExit(1)


@dataclass(frozen=True)
class Speechless(TestRule):
    name: ClassVar[str] = "speechless"

    def signals(self, candles: Candles) -> Any:
        return None


@dataclass(frozen=True)
class Scribbling(Sure):
    name: ClassVar[str] = "scribbling"

    def signals(self, candles: Candles) -> SignalColumns:
        candles.close[-1] = 1.0
        return super().signals(candles)


@pytest.fixture
def seen(desk: Desk) -> tuple[Candles, Bar]:
    """Four candles from 2024-03-01 12:00 on, and the newest of them."""
    rows = make_candles_rows(make_instrument("ETH/USD"), [100, 101, 102, 103])
    candles = candles_between(
        instrument=rows[0].instrument, timeframe="1h", source="csv", start=None, end=None, before=0
    )
    last = rows[-1]
    bar = Bar("ETH/USD", Timeframe.H1, last.open_time, last.open, last.high, last.low, last.close, last.volume)
    return candles, bar


def ask(strategy: Strategy, seen: tuple[Candles, Bar]) -> Signal | None:
    candles, bar = seen
    signal_ = strategy_evaluate(strategy=strategy, candles=candles, bar=bar, held=0)
    strategy.refresh_from_db()
    return signal_


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (Raising, "ValueError: the stars are wrong"),
        (Leaving, "SystemExit: 1"),
        (Speechless, "The rule speechless returned NoneType, not SignalColumns."),
        (
            Unsure,
            "The rule unsure returned NaN confidence, which is not between 0 and 1, on candle 2024-03-01 12:00.",
        ),
        (
            StopsAbove,
            "The rule stops_above returned the stop loss 103, which is not below the close 100, on candle "
            "2024-03-01 12:00.",
        ),
        (Scribbling, "ValueError: assignment destination is read-only"),
        (Endless, "The rule endless took longer than 0.3 s."),
    ],
)
def test_a_rule_that_misbehaves_holds_and_the_next_one_trades(
    rule: type[Rule], error: str, desk: Desk, seen: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.STRATEGY_SECONDS = 0.3
    broken = make_strategy(desk.portfolio, "Broken", rule=add_rule(monkeypatch, rule).name)
    sound = make_strategy(desk.portfolio, "Sound", rule=add_rule(monkeypatch, Sure).name)
    assert ask(broken, seen) is None
    assert broken.last_error == error
    signal_ = ask(sound, seen)
    assert signal_ is not None
    assert (signal_.action, signal_.confidence, sound.last_error) == ("buy", 0.7, "")
    assert Signal.objects.count() == 1


def test_an_error_goes_when_the_rule_answers_again(desk: Desk, seen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = make_strategy(desk.portfolio, rule=add_rule(monkeypatch, Sure).name)
    monkeypatch.setattr(Sure, "confidence", float("inf"))
    assert ask(strategy, seen) is None
    assert "inf confidence" in strategy.last_error
    monkeypatch.setattr(Sure, "confidence", 0.9)
    assert ask(strategy, seen) is not None
    assert strategy.last_error == ""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr("algotrendy.trading.strategies.loading.EVERY", 0.0)
    monkeypatch.setattr(registry, "_library", None)
    registry.watch(tmp_path, packages=False)
    return tmp_path


def test_a_strategy_whose_file_breaks_holds_and_says_so_until_it_is_mended(desk: Desk, seen: Any, folder: Path) -> None:
    text = GOOD.replace("number(20", "number(2")
    write(folder, "mine.py", text)
    strategy = make_strategy(desk.portfolio, rule="mine")
    first = ask(strategy, seen)
    assert first is not None
    assert first.action == "buy"  # 103 is above the mean of 102 and 103
    Signal.objects.all().delete()
    write(folder, "mine.py", text + "(\n")
    assert ask(strategy, seen) is None
    assert strategy.last_error.startswith("There is no strategy 'mine'")
    assert strategy.last_error.endswith("broken, so that their strategies hold: mine.py.")
    assert str(folder) not in strategy.last_error
    assert window_length(strategy) == 500
    with pytest.raises(StrategyNotReady, match=r"mine\.py"):
        strategy_enable(strategy=strategy)
    write(folder, "mine.py", text)
    assert ask(strategy, seen) is not None
    assert strategy.last_error == ""


def test_the_limit_gives_the_clock_back_to_whom_it_belonged() -> None:
    rung: list[int] = []
    handler = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    before = signal.setitimer(signal.ITIMER_REAL, 50)
    try:
        assert in_time(5, "quick", lambda: time.sleep(0.2) or "said") == "said"
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert 49 < left < 49.9
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert in_time(5, "quick", lambda: time.sleep(0.2)) is None
        time.sleep(0.1)
        assert rung == [signal.SIGALRM]  # late, and not lost
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *before)


def test_outside_of_the_main_thread_and_with_none_there_is_no_limit() -> None:
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(in_time(0.05, "slow", lambda: time.sleep(0.2) or "said")))
    thread.start()
    thread.join()
    assert said == ["said"]
    assert in_time(0, "slow", lambda: time.sleep(0.1) or "said") == "said"
