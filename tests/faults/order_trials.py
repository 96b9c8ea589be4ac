"""What a trial does, drawn from its number: its orders, its moments, what is killed, what the exchange loses."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "BCH/USDT", "ADA/USDT", "DOT/USDT", "LTC/USDT", "TRX/USDT")
HOME = Decimal(100)
"""Where every price stands when a trial begins."""
VICTIMS = ("worker", "web", "valkey", "postgres")
ROUND = len(SYMBOLS)
"""How many trials share a wait: each has a symbol of its own."""
FAULTS = (None, None, ("cut", False), ("cut", True), ("timeout", True), ("status", False), ("status", True))
"""What the exchange does to a request: nothing, or an answer that is lost before or after it was taken."""
ASKED = ("place", "place", "place", "cancel", "query", "trades", "open_orders")
"""The requests that may be lost; what is seldom asked for in a trial is lost in a later one."""
HABITS: tuple[dict[str, Any], ...] = ({}, {}, {"visible_after": 400}, {"stale_by": 400}, {"duplicate_trades": True})
"""What else exchanges do: they do not find an order at once, say what it was a moment ago, list a trade twice."""
NATIVE = frozenset({"market", "limit", "stop", "stop_limit", "take_profit"})


@dataclass(frozen=True)
class Account:
    """An account at the exchange; `is_guarded` says that everything opened there asks for a stop."""

    key: str
    market: str = "spot"
    rests: frozenset[str] = frozenset()
    is_guarded: bool = True

    @property
    def secret(self) -> str:
        return f"the-secret-of-{self.key}"


ACCOUNTS = {
    "mixed": Account("key-of-the-account-with-all-kinds-1", rests=NATIVE, is_guarded=False),
    "guarded": Account("key-of-the-account-with-brackets-2", rests=NATIVE),
    "watched": Account("key-of-the-account-never-tested-3"),
    "swap": Account("key-of-the-account-that-borrows-4", market="swap"),
}
"""At the first two stops rest; at the others the platform sees to them."""


@dataclass(frozen=True)
class Step:
    """What is done `after` so many seconds; `asked` are its figures."""

    after: float
    what: str
    asked: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """What happens: seconds count from the first request."""

    number: int
    client_order_id: str
    kind: str
    account: str
    symbol: str
    victim: str
    kill_after: float
    fault: dict[str, Any] | None
    habit: dict[str, Any]
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, number: int, prefix: str) -> Trial:
        chance = random.Random(f"{prefix}{number}")
        row, place = divmod(number, len(KINDS))
        kind = random.Random(f"{prefix}-row-{row}").sample(list(KINDS), len(KINDS))[place]
        account, steps = KINDS[kind](chance)
        span = sum(step.after for step in steps)
        moments = (0.0, chance.uniform(0, 0.1), chance.uniform(0, 0.3), chance.uniform(0, 1 + span))
        fault = chance.choice(FAULTS)
        return cls(
            number=number,
            client_order_id=f"{prefix}-{number}",
            kind=kind,
            account=account,
            symbol=SYMBOLS[(number + number // ROUND) % ROUND],
            victim=VICTIMS[number % len(VICTIMS)],
            kill_after=chance.choice(moments),
            fault=fault and {"request": chance.choice(ASKED), "kind": fault[0], "after": fault[1], "seconds": 1.5},
            habit={"visible_after": 0, "stale_by": 0, "duplicate_trades": False, **chance.choice(HABITS)},
            steps=steps,
        )


type Drawn = tuple[str, tuple[Step, ...]]


def _size(chance: random.Random) -> str:
    """Return a quantity of which the fee leaves a whole number of the exchange's steps."""
    return f"0.{chance.randint(1, 9)}"


def _then(chance: random.Random, *possible: Step | None) -> tuple[Step, ...]:
    """Return one of the steps, or none."""
    step = chance.choice(possible)
    return () if step is None else (step,)


def _stopped(side: str, *, target: bool = False) -> dict[str, str]:
    stop, take = ("95", "105") if side == "buy" else ("105", "95")
    return {"stop_loss": stop, **({"take_profit": take} if target else {})}


def _plain(chance: random.Random) -> Drawn:
    kind, price = chance.choice([("market", None), ("limit", "90"), ("limit", "110"), ("limit", "89")])
    side = chance.choice(["buy", "buy", "buy", "sell"])
    asked = {"side": side, "type": kind, "quantity": f"0.{chance.randint(100, 999)}"}
    asked |= {} if price is None else {"limit_price": price}
    cancel = (Step(chance.uniform(0, 0.5), "cancel"),) if chance.random() < 0.4 else ()
    return "mixed", (Step(0, "place", asked), *cancel)


STOPS: dict[str, tuple[dict[str, str], dict[str, str], str, str]] = {
    "stop": ({"stop_price": "104"}, {"stop_price": "96"}, "106", "94"),
    "stop_limit": (
        {"stop_price": "104", "limit_price": "107"}, {"stop_price": "96", "limit_price": "93"}, "106", "94",
    ),
    "take_profit": ({"stop_price": "96"}, {"stop_price": "104"}, "94", "106"),
    "trailing_stop": ({"trail_amount": "3"}, {"trail_percent": "3"}, "106", "94"),
}  # fmt: skip
"""By type: the figures of an order to buy and of one to sell, and the prices that trigger them."""


def _stop(chance: random.Random) -> Drawn:
    kind = chance.choice(list(STOPS))
    account = chance.choice(["mixed", "mixed", "watched", "swap"])
    sides = {"mixed": ["buy", "buy", "sell"], "watched": ["buy"], "swap": ["buy", "sell"]}[account]
    side = chance.choice(sides)
    buys, sells, up, down = STOPS[kind]
    asked = {"side": side, "type": kind, "quantity": _size(chance), **(buys if side == "buy" else sells)}
    if ACCOUNTS[account].is_guarded:
        asked["stop_loss"] = "90" if side == "buy" else "110"
    moved = Step(chance.uniform(0, 1), "move", {"price": up if side == "buy" else down})
    return account, (
        Step(0, "place", asked),
        *_then(chance, moved, moved, moved, Step(chance.uniform(0, 0.6), "cancel"), None),
    )


def _replace(chance: random.Random) -> Drawn:
    account = chance.choice(["mixed", "mixed", "guarded", "swap"])
    asked = {"side": "buy", "type": "limit", "quantity": "0.7", "limit_price": "92"}
    if account == "mixed" and chance.random() < 0.3:
        asked = {"side": "buy", "type": "stop", "quantity": "0.7", "stop_price": "108"}
    if ACCOUNTS[account].is_guarded:
        asked["stop_loss"] = "85"
    is_stop = asked["type"] == "stop"
    prices = [{"stop_price": "109"}] if is_stop else [{"limit_price": "93"}, {"limit_price": "104"}]
    first = chance.choice([*prices, {"quantity": f"0.{chance.randint(3, 9)}"}])
    again = {**chance.choice(prices), "quantity": f"0.{chance.randint(3, 9)}"}
    filled = Step(chance.uniform(0, 0.8), "fill", {"quantity": f"0.{chance.randint(1, 2)}"})
    canceled = Step(chance.uniform(0, 0.4), "cancel")
    return account, (
        Step(0, "place", asked),
        *(() if is_stop else _then(chance, filled, None)),
        Step(chance.uniform(0, 0.6), "replace", first),
        *_then(chance, None, None, Step(chance.uniform(0, 0.4), "replace", again), canceled),
    )


def _bracket(chance: random.Random) -> Drawn:
    account = chance.choice(["guarded", "watched", "swap"])
    side = "sell" if account == "swap" and chance.random() < 0.5 else "buy"
    is_better = {"buy": "98", "sell": "102"}[side]
    kind, price = chance.choice([("market", None), ("market", None), ("limit", "100"), ("limit", is_better)])
    asked = {"side": side, "type": kind, "quantity": _size(chance), **_stopped(side, target=chance.random() < 0.8)}
    asked |= {} if price is None else {"limit_price": price}
    part = (Step(chance.uniform(0.1, 0.8), "fill", {"quantity": "0.1"}),) if price == is_better else ()
    lost, won = ("94", "106") if side == "buy" else ("106", "94")
    ends = (
        Step(chance.uniform(0, 1.2), "move", {"price": lost}),
        Step(chance.uniform(0, 1.2), "move", {"price": won}),
        Step(chance.uniform(0, 1.2), "close", chance.choice([{}, {"quantity": "0.1"}])),
        Step(chance.uniform(0, 1.2), "protect", {"stop_loss": "97" if side == "buy" else "103"}),
        Step(chance.uniform(0, 0.5), "cancel"),
    )
    thin = (Step(0, "thin", {"quantity": "0.2"}),) if kind == "market" and chance.random() < 0.3 else ()
    return account, (*thin, Step(0, "place", asked), *part, *_then(chance, *ends, *ends[:4], None))


def _oco(chance: random.Random) -> Drawn:
    quantity = f"0.{chance.randint(3, 9)}"
    side = chance.choice(["buy", "buy", "buy", "sell"])
    stop, limit = ("105", "95") if side == "buy" else ("95", "105")
    pair = [
        {"side": side, "type": "limit", "quantity": quantity, "limit_price": limit},
        {"side": side, "type": "stop", "quantity": quantity, "stop_price": stop},
    ]
    ends = (
        Step(chance.uniform(0, 1.2), "move", {"price": "94"}),
        Step(chance.uniform(0, 1.2), "move", {"price": "106"}),
        Step(chance.uniform(0, 1.2), "fill", {"quantity": "0.2"}),
        Step(chance.uniform(0, 0.6), "cancel"),
    )
    return "mixed", (Step(0, "list", {"order_class": "oco", "orders": pair}), *_then(chance, *ends, *ends[:3], None))


def _swap(chance: random.Random) -> Drawn:
    side = chance.choice(["buy", "sell"])
    kind, price = chance.choice([("market", None), ("market", None), ("limit", "110"), ("limit", "90")])
    asked = {"side": side, "type": kind, "quantity": _size(chance), **_stopped(side)}
    asked |= {} if price is None else {"limit_price": price, "stop_loss": "80" if side == "buy" else "120"}
    leverage = Step(chance.uniform(0, 0.5), "leverage", {"leverage": str(chance.randint(1, 3))})
    ends = (
        Step(chance.uniform(0, 0.5), "cancel"),
        Step(chance.uniform(0, 0.8), "close", {}),
        Step(chance.uniform(0, 0.8), "move", {"price": "94" if side == "buy" else "106"}),
    )
    return "swap", (Step(0, "place", asked), *_then(chance, leverage, None), *_then(chance, *ends, None))


KINDS: dict[str, Callable[[random.Random], Drawn]] = {
    "plain": _plain,
    "stop": _stop,
    "replace": _replace,
    "bracket": _bracket,
    "oco": _oco,
    "swap": _swap,
}
"""Every kind of trial, and how its account and steps are drawn."""
