"""Orders through real processes, each killed at random moments: none lost, none doubled, positions as at the exchange.

Every trial is drawn from its number. A client places an order (and often cancels it), a part of the platform is killed
with SIGKILL at a moment between the request and a second after it, and the exchange loses some of its answers. What the
platform then believes is compared with what the exchange itself says that it took and traded.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from apps.brokers.adapters.exchange.ids import from_wire
from tests.apps.brokers.conftest import KEY
from tests.exchange.process import exchange_process
from tests.faults.order_platform import VICTIMS, OrderPlatform
from tests.faults.support import holding

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1700)]
FAULTS = (None, None, ("cut", False), ("cut", True), ("timeout", True), ("status", False), ("status", True))
"""What the exchange does to the order: nothing, or an answer that is lost before or after it was taken."""
PATIENCE = 90
AT_EXCHANGE = {
    "open": {"NEW"},
    "partially_filled": {"PARTIALLY_FILLED"},
    "filled": {"FILLED"},
    "canceled": {"CANCELED"},
    "rejected": set(),
    "denied": set(),
}
"""The exchange's word for each of ours; nothing for an order that never got there."""


@dataclass(frozen=True)
class Trial:
    """What happens: seconds count from the request."""

    client_order_id: str
    body: dict[str, Any]
    victim: str
    kill_after: float
    fault: tuple[str, bool] | None
    cancel_after: float | None

    @classmethod
    def of(cls, number: int, prefix: str) -> Trial:
        chance = random.Random(f"{prefix}{number}")
        kind, price = chance.choice([("market", None), ("limit", "90"), ("limit", "110"), ("limit", "89")])
        side = chance.choice(["buy", "buy", "buy", "sell"])
        body = {"symbol": "BTC/USDT", "side": side, "type": kind, "quantity": f"0.{chance.randint(100, 999)}"}
        if price is not None:
            body["limit_price"] = price
        return cls(
            client_order_id=f"{prefix}-{number}",
            body=body,
            victim=VICTIMS[number % len(VICTIMS)],
            kill_after=chance.choice([0.0, chance.uniform(0, 0.1), chance.uniform(0, 0.3), chance.uniform(0, 1)]),
            fault=chance.choice(FAULTS),
            cancel_after=chance.uniform(0, 0.5) if chance.random() < 0.4 else None,
        )


@pytest.fixture
def platform(var: Path) -> Iterator[OrderPlatform]:
    with holding(var) as holder, exchange_process(var.parent / "exchange.json") as exchange:
        running = OrderPlatform(holder, exchange, var)
        try:
            yield running
        finally:
            running.close()


def attempt(platform: OrderPlatform, trial: Trial) -> str:
    """Run a trial until the API has answered; return the order's id."""
    if trial.fault is not None:
        kind, is_taken = trial.fault
        platform.exchange.trade(faults=[{"request": "place", "kind": kind, "after": is_taken, "seconds": 1.5}])
    killer = threading.Timer(trial.kill_after, platform.kill, [trial.victim])
    killer.start()
    body = {**trial.body, "portfolio": platform.ids["portfolio"], "client_order_id": trial.client_order_id}
    status, order = platform.call("POST", "/orders", **body)
    assert status in (200, 201), order  # Committed, whatever the exchange will say.
    if trial.cancel_after is not None:
        time.sleep(trial.cancel_after)
        status, answer = platform.call("POST", f"/orders/{order['id']}/cancel")
        assert status in (200, 409), answer
    killer.join()
    return str(order["id"])


def unsettled(platform: OrderPlatform) -> list[Any]:
    """Return the orders of which the end, or the rest at the exchange, is not certain yet."""
    return platform.rows(
        "SELECT client_order_id, status, unknown_since, cancel_requested_at FROM orders_order WHERE status IN "
        "('pending', 'submitted') OR (cancel_requested_at IS NOT NULL AND status IN ('open', 'partially_filled'))"
    )


def wait_until_settled(platform: OrderPlatform) -> None:
    deadline = time.monotonic() + PATIENCE
    while waiting := unsettled(platform):
        assert time.monotonic() < deadline, waiting
        time.sleep(0.2)


def faults_of(platform: OrderPlatform, accepted: list[str]) -> list[str]:
    """Return everything in which the platform and the exchange differ."""
    truth = platform.exchange.truth()
    ours = {
        name: (status, filled)
        for name, status, filled in platform.rows("SELECT client_order_id, status, filled_quantity FROM orders_order")
    }
    found = [f"{name} is lost" for name in accepted if name not in ours]
    there: dict[str, list[dict[str, Any]]] = {name: [] for name in ours}
    for order in truth["orders"]:
        there.setdefault(from_wire(order["client_order_id"]), []).append(order)
    for name, orders in there.items():
        if name not in ours or len(orders) > 1:
            found.append(f"{name} is {len(orders)} times at the exchange and {ours.get(name)} here")
            continue
        status, filled = ours[name]
        words = {order["status"] for order in orders}
        done = sum((Decimal(order["executed"]) for order in orders), Decimal(0))
        never_sent = status == "canceled" and not orders
        if (words != AT_EXCHANGE[status] and not never_sent) or done != filled:
            found.append(f"{name} is {status}, filled {filled}, and {words}, filled {done}, at the exchange")
    trades = sorted((str(trade["trade_id"]), Decimal(trade["quantity"])) for trade in truth["trades"])
    rows = platform.rows("SELECT exchange_trade_id, quantity FROM orders_fill")
    fills = sorted((name.rpartition("-")[2], quantity) for name, quantity in rows)
    if fills != trades:
        found.append(f"{len(fills)} fills and {len(trades)} trades: {sorted(set(fills) ^ set(trades))}")
    held = platform.rows("SELECT coalesce(sum(quantity), 0) FROM portfolio_position WHERE closed_at IS NULL")[0][0]
    account = truth["accounts"][KEY]
    coins = sum((Decimal(account[part].get("BTC", 0)) for part in ("free", "locked")), Decimal(0))
    if held != coins:
        found.append(f"{held} BTC held here, {coins} at the exchange")
    return found


def run(platform: OrderPlatform, count: int, prefix: str) -> None:
    accepted = []
    for number in range(count):
        trial = Trial.of(number, prefix)
        attempt(platform, trial)
        accepted.append(trial.client_order_id)
        if number % 4 == 3:  # Four orders, and the four victims, share the wait for the proof window.
            agree(platform, accepted)
    agree(platform, accepted)
    assert len(accepted) == count


def agree(platform: OrderPlatform, accepted: list[str]) -> None:
    """Wait until nothing is on its way, and until the last fills are applied; then both sides must be the same."""
    wait_until_settled(platform)
    deadline = time.monotonic() + 20
    while (found := faults_of(platform, accepted)) and time.monotonic() < deadline:
        time.sleep(0.3)
    assert found == []


def test_orders_survive_32_kills(platform: OrderPlatform) -> None:
    run(platform, 32, "short")


@pytest.mark.long
def test_orders_survive_200_kills(platform: OrderPlatform) -> None:
    run(platform, 200, "long")
