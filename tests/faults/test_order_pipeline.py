"""Orders through real processes, each killed at random moments: none lost, none doubled, positions as at the exchange.

Every trial is drawn from its number. A client places orders of some kind, and changes them or lets the price move; a
part of the platform is killed with SIGKILL at a moment between the request and a second after the last one, and the
exchange loses some of its answers. What the platform then believes is compared with what the exchange itself says that
it took and traded.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.exchange.process import exchange_process
from tests.faults.order_faults import faults_of
from tests.faults.order_platform import OrderPlatform
from tests.faults.order_play import Play
from tests.faults.order_trials import KINDS, ROUND, VICTIMS, Trial
from tests.faults.order_truth import STEP, both_sides
from tests.faults.support import holding

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1700)]
SHORT, LONG = [Trial.of(number, "h") for number in range(32)], [Trial.of(number, "long") for number in range(200)]
PATIENCE = 90
CLIENTS = 4
EVERY_STEP = {"place", "list", "replace", "cancel", "move", "fill", "close", "protect", "leverage", "thin"}


@pytest.fixture
def platform(var: Path) -> Iterator[OrderPlatform]:
    with holding(var) as holder, exchange_process(var.parent / "exchange.json") as exchange:
        running = OrderPlatform(holder, exchange, var)
        try:
            yield running
        finally:
            running.close()


def unsettled(platform: OrderPlatform) -> list[Any]:
    """Return the orders of which the end, or the rest at the exchange, is not certain yet."""
    return platform.rows(
        "SELECT client_order_id, status, unknown_since, cancel_requested_at FROM orders_order WHERE status IN "
        "('pending', 'submitted') OR (cancel_requested_at IS NOT NULL AND status IN ('open', 'partially_filled'))"
    )


def run(platform: OrderPlatform, trials: list[Trial]) -> None:
    """Play the trials in rounds, which share the wait for the proof window; several clients trade at the same time."""
    accepted: dict[str, Decimal] = {}
    for first in range(0, len(trials), ROUND):
        with ThreadPoolExecutor(CLIENTS) as clients:
            for taken in clients.map(lambda trial: Play(platform, trial).run(), trials[first : first + ROUND]):
                accepted |= taken
        agree(platform, accepted)
        platform.go_home()
    clear_out(platform, accepted)
    assert len(accepted) >= len(trials)


def agree(platform: OrderPlatform, accepted: dict[str, Decimal]) -> None:
    """Wait until nothing is on its way, and until the last fills are applied; then both sides must be the same."""
    deadline = time.monotonic() + PATIENCE
    while waiting := unsettled(platform):
        assert time.monotonic() < deadline, waiting
        time.sleep(0.2)
    deadline = time.monotonic() + PATIENCE / 2
    while (found := faults_of(both_sides(platform), accepted)) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert found == []


def clear_out(platform: OrderPlatform, accepted: dict[str, Decimal]) -> None:
    """End every order and close every position, with a part killed each time: nothing is left at the exchange."""
    mixed = {"portfolio": platform.ids["portfolios"]["mixed"]}
    closed = {"client_order_id": f"{next(iter(accepted))}-all"}
    wishes = [("/orders/cancel-all", mixed), ("/positions/close-all", closed), ("/orders/cancel-all", {})]
    for (path, asked), victim in zip(wishes, ("worker", "postgres", "valkey"), strict=True):
        killer = threading.Timer(0.05, platform.kill, [victim])
        killer.start()
        status, answer = platform.call("POST", path, **asked)
        assert status in (200, 201), answer
        killer.join()
        agree(platform, accepted)
    sides = both_sides(platform)
    assert [order for order in sides.ours.values() if order.works] == []
    assert {place: held for place, held in sides.held_there.items() if abs(held) >= STEP} == {}


@pytest.mark.parametrize(("trials", "least"), [(SHORT, 4), (LONG, 30)], ids=["short", "long"])
def test_the_trials_cover_every_kind_with_every_victim(trials: list[Trial], least: int) -> None:
    kinds = Counter(trial.kind for trial in trials)
    assert kinds.keys() == KINDS.keys()
    assert min(kinds.values()) >= least
    assert {trial.victim for trial in trials} == set(VICTIMS)
    assert {step.what for trial in trials for step in trial.steps} == EVERY_STEP
    assert {trial.account for trial in trials} == {"mixed", "guarded", "watched", "swap"}


def test_the_long_form_kills_everything_during_every_kind() -> None:
    assert {(trial.kind, trial.victim) for trial in LONG} == {(kind, victim) for kind in KINDS for victim in VICTIMS}


def test_orders_survive_32_kills(platform: OrderPlatform) -> None:
    run(platform, SHORT)


@pytest.mark.long
def test_orders_survive_200_kills(platform: OrderPlatform) -> None:
    run(platform, LONG)
