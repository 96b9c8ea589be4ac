"""What looks ahead, breaks or takes for ever is never let loose on the present."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import numpy as np
import pytest
from rest_framework.test import APIClient

from algotrendy.trading.candles import Candles
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.base import Strategy as Rule
from algotrendy.trading.strategies.base import number
from apps.strategies.models import Strategy
from apps.strategies.services import StrategyNotReady, strategy_configure, strategy_create, strategy_enable, vetting
from tests.builders import make_candles_rows, make_instrument, make_strategy
from tests.conftest import ClientFor, Desk


@dataclass(frozen=True)
class Tomorrow(Rule):
    """Buys what closes higher `ahead` candles later; with 0 it compares with the candle before, as anybody may."""

    name: ClassVar[str] = "tomorrow"
    title: ClassVar[str] = "Tomorrow"
    summary: ClassVar[str] = "Knows what comes."
    ahead: int = number(1, "Candles it looks ahead.", minimum=0, maximum=10)
    asked: ClassVar[list[Candles]] = []

    @property
    def warm_up(self) -> int:
        return 1

    def signals(self, candles: Candles) -> SignalColumns:
        self.asked.append(candles)
        close, count = candles.close, len(candles)
        rows = np.arange(count)
        compared = close[np.minimum(rows + self.ahead, count - 1)] if self.ahead else close[np.maximum(rows - 1, 0)]
        nothing = np.full(count, np.nan)
        return SignalColumns(np.sign(compared - close).astype(np.int8), np.ones(count), nothing, nothing)

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        return "It knows."


class Breaks(Tomorrow):
    name: ClassVar[str] = "breaks"

    def signals(self, candles: Candles) -> SignalColumns:
        raise ZeroDivisionError("nothing to divide by")


class Hangs(Tomorrow):
    name: ClassVar[str] = "hangs"
    let_go: ClassVar[threading.Event] = threading.Event()

    def signals(self, candles: Candles) -> SignalColumns:
        self.let_go.wait(30)
        raise AssertionError("nobody listens any more")


RULES: dict[str, type[Rule]] = {rule.name: rule for rule in (Tomorrow, Breaks, Hangs)}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = registry.get
    monkeypatch.setattr(registry, "get", lambda name: RULES.get(name) or shipped(name))
    monkeypatch.setattr(vetting, "_verdicts", {})
    Tomorrow.asked.clear()


def test_a_rule_that_knows_the_future_is_not_enabled(desk: Desk, client_for: ClientFor) -> None:
    client: APIClient = client_for(desk.owner)
    body = {
        "portfolio": str(desk.portfolio.pk),
        "name": "T",
        "rule": "tomorrow",
        "symbol": "BTC/USD",
        "timeframe": "1h",
    }
    path = f"/api/strategies/{client.post('/api/strategies', body, format='json').json()['id']}"
    response = client.post(f"{path}/enable")
    assert (response.status_code, response.json()["code"]) == (409, "looks_ahead")
    assert "looks ahead" in response.json()["detail"]
    assert not Strategy.objects.get().enabled
    assert client.patch(path, {"parameters": {"ahead": 0}}, format="json").status_code == 200
    assert client.post(f"{path}/enable").json()["enabled"] is True
    assert client.patch(path, {"parameters": {"ahead": 3}}, format="json").json()["code"] == "looks_ahead"
    assert Strategy.objects.get().parameters == {"ahead": 0}, "nor does it begin to cheat while it trades"


def test_nor_is_it_made_enabled(desk: Desk) -> None:
    with pytest.raises(StrategyNotReady) as caught:
        strategy_create(
            portfolio=desk.portfolio,
            name="T",
            rule="tomorrow",
            instrument=desk.instrument,
            timeframe="1h",
            enabled=True,
        )
    assert caught.value.code == "looks_ahead"
    assert not Strategy.objects.exists()


def test_it_is_asked_on_its_own_candles_where_there_are_enough_and_once_for_its_parameters(desk: Desk) -> None:
    eth = make_instrument("ETH/USD")
    make_candles_rows(eth, [100 + k % 9 for k in range(2500)])
    honest = {"ahead": 0}
    strategy_enable(strategy=make_strategy(desk.portfolio, "Own", rule="rsi", instrument=eth))
    for name, symbol in (("A", eth), ("B", eth), ("C", desk.instrument)):
        copy = make_strategy(desk.portfolio, name, instrument=symbol)
        Strategy.objects.filter(pk=copy.pk).update(rule="tomorrow", parameters=honest)
        strategy_enable(strategy=copy)
        if name == "A":
            asked = len(Tomorrow.asked)
            assert {candles.symbol for candles in Tomorrow.asked} == {"ETH/USD"}
            stored = Tomorrow.asked[0].time[-1]
            assert stored <= eth.candles.order_by("-open_time").first().open_time.timestamp()
    assert len(Tomorrow.asked) == asked > 50


def test_where_too_few_candles_are_stored_it_is_asked_on_generated_ones(desk: Desk) -> None:
    strategy = make_strategy(desk.portfolio)
    Strategy.objects.filter(pk=strategy.pk).update(rule="tomorrow", parameters={"ahead": 0})
    strategy_enable(strategy=strategy)
    assert {candles.symbol for candles in Tomorrow.asked} == {"GENERATED"}


@pytest.mark.parametrize("rule", registry.names())
def test_every_shipped_rule_passes(rule: str, desk: Desk) -> None:
    strategy = make_strategy(desk.portfolio, rule=rule)
    assert strategy_enable(strategy=strategy).enabled
    assert len(vetting._verdicts) == 1


def test_a_rule_that_raises_is_refused_with_its_error(desk: Desk) -> None:
    strategy = make_strategy(desk.portfolio)
    Strategy.objects.filter(pk=strategy.pk).update(rule="breaks", parameters={})
    with pytest.raises(StrategyNotReady, match="raised ZeroDivisionError: nothing to divide by") as caught:
        strategy_enable(strategy=strategy)
    assert caught.value.code == "rule_failed"


def test_a_rule_that_takes_for_ever_is_given_up_on_and_asked_again_the_next_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vetting, "PATIENCE", timedelta(seconds=1))
    strategy = make_strategy(desk.portfolio)
    Strategy.objects.filter(pk=strategy.pk).update(rule="hangs", parameters={})
    try:
        with pytest.raises(StrategyNotReady, match="too slow") as caught:
            strategy_enable(strategy=strategy)
    finally:
        Hangs.let_go.set()
    assert caught.value.code == "too_slow"
    assert vetting._verdicts == {}


def test_a_disabled_strategy_may_be_anything(desk: Desk) -> None:
    strategy = make_strategy(desk.portfolio)
    assert strategy_configure(strategy=strategy, rule="tomorrow").rule == "tomorrow"
