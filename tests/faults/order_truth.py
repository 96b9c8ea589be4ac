"""Both sides of every order: what the platform believes, and what the exchange says that it took and traded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.brokers.adapters.exchange.ids import from_wire
from tests.faults.order_platform import OrderPlatform
from tests.faults.order_trials import ACCOUNTS

ZERO = Decimal(0)
AT_EXCHANGE = {
    "held": set(),
    "open": {"NEW"},
    "partially_filled": {"PARTIALLY_FILLED"},
    "filled": {"FILLED"},
    "canceled": {"CANCELED"},
    "expired": {"EXPIRED"},
    "rejected": set(),
    "denied": set(),
}
"""The exchange's word for each of ours; nothing for an order that never got there."""
WORKING = ("held", "pending", "submitted", "open", "partially_filled")


@dataclass(frozen=True)
class Ours:
    """An order as the platform knows it; `parent` and `replaces` are client order ids."""

    name: str
    account: str
    symbol: str
    side: str
    type: str
    role: str
    status: str
    quantity: Decimal
    filled: Decimal
    stop_price: Decimal | None
    group: str
    is_reducing: bool
    parent: str | None
    replaces: str | None
    reason: str

    @property
    def works(self) -> bool:
        return self.status in WORKING

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled if self.works else ZERO

    def is_reached(self, price: Decimal) -> bool:
        """Tell whether a price triggers it."""
        if self.stop_price is None or not (self.type.startswith(("stop", "trailing")) or self.type == "take_profit"):
            return False
        upward = (self.side == "buy") == (self.type != "take_profit")
        return price >= self.stop_price if upward else price <= self.stop_price


@dataclass(frozen=True)
class Theirs:
    """An order as the exchange knows it."""

    name: str
    account: str
    status: str
    quantity: Decimal
    filled: Decimal
    is_reducing: bool


@dataclass(frozen=True)
class Sides:
    """Everything at one moment, well after which nothing may differ."""

    ours: dict[str, Ours]
    theirs: dict[str, list[Theirs]]
    fills: list[tuple[str, Decimal]]
    trades: list[tuple[str, Decimal]]
    held_here: dict[tuple[str, str], Decimal]
    held_there: dict[tuple[str, str], Decimal]
    dust: dict[tuple[str, str], Decimal]
    """By account and symbol: what fees have left below the exchange's step, of everything bought there."""
    prices: dict[str, Decimal]


ORDERS = """
    SELECT o.client_order_id, p.name, i.symbol, o.side, o.type, o.role, o.status, o.quantity, o.filled_quantity,
           o.stop_price, o.oco_group, o.reduce_only, parent.client_order_id, replaced.client_order_id, o.reason_code
    FROM orders_order o JOIN portfolio_portfolio p ON p.id = o.portfolio_id
    JOIN marketdata_instrument i ON i.id = o.instrument_id
    LEFT JOIN orders_order parent ON parent.id = o.parent_id
    LEFT JOIN orders_order replaced ON replaced.id = o.replaces_id
"""
HELD = """
    SELECT p.name, i.symbol, sum(h.quantity) FROM portfolio_position h
    JOIN portfolio_portfolio p ON p.id = h.portfolio_id JOIN marketdata_instrument i ON i.id = h.instrument_id
    WHERE h.closed_at IS NULL GROUP BY p.name, i.symbol
"""
STEP = Decimal("0.0001")
_NAMES = {account.key: name for name, account in ACCOUNTS.items()}


def both_sides(platform: OrderPlatform) -> Sides:
    """Look at the platform and at the exchange."""
    truth = platform.exchange.truth()
    ours = [Ours(*row) for row in platform.rows(ORDERS)]
    theirs: dict[str, list[Theirs]] = defaultdict(list)
    for order in truth["orders"]:
        theirs[from_wire(order["client_order_id"])].append(_theirs(order))
    rows = platform.rows("SELECT exchange_trade_id, quantity FROM orders_fill")
    return Sides(
        ours={order.name: order for order in ours},
        theirs=dict(theirs),
        fills=sorted((name.rpartition("-")[2], quantity) for name, quantity in rows),
        trades=sorted((str(trade["trade_id"]), Decimal(trade["quantity"])) for trade in truth["trades"]),
        held_here={(account, symbol): held for account, symbol, held in platform.rows(HELD) if held},
        held_there=_held(truth["accounts"]),
        dust=_dust(truth["trades"]),
        prices={_symbol(name): Decimal(price) for name, price in truth["prices"].items()},
    )


def _theirs(row: dict[str, Any]) -> Theirs:
    return Theirs(
        name=from_wire(row["client_order_id"]),
        account=_NAMES[row["key"]],
        status=row["status"],
        quantity=Decimal(row["quantity"]),
        filled=Decimal(row["executed"]),
        is_reducing=row["reduce_only"],
    )


def _held(accounts: dict[str, Any]) -> dict[tuple[str, str], Decimal]:
    """Return what each account holds of each symbol: the positions of swaps, or coins."""
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for key, account in accounts.items():
        for name, held in account["positions"].items():
            found[_NAMES[key], _symbol(name)] += Decimal(held)
        for part in ("free", "locked"):
            for coin, amount in account[part].items():
                if coin != "USDT":
                    found[_NAMES[key], f"{coin}/USDT"] += Decimal(amount)
    return {place: held for place, held in found.items() if held}


def _dust(trades: Iterable[dict[str, Any]]) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for trade in trades:
        if trade["commission_asset"] != "USDT":
            kept = Decimal(trade["quantity"]) - Decimal(trade["commission"])
            found[_NAMES[trade["key"]], _symbol(trade["symbol"])] += kept % STEP
    return found


def _symbol(name: str) -> str:
    return f"{name.removesuffix('USDT')}/USDT"
