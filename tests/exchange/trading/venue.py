"""The exchange that trades: its book, its faults, what it was asked, and a file that outlives its process."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from .accounts import Account, Rights
from .api import ROUTES, authenticate
from .book import SYMBOLS, Book
from .faults import Fault, Faults
from .orders import Refused, VenueOrder, VenueTrade, dump
from .swaps import SWAP_ROUTES

EVERY_ROUTE = {**ROUTES, **SWAP_ROUTES}


class Lost(Exception):
    """The answer does not arrive as it should; the fault says how."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.kind)
        self.fault = fault


class TradingVenue:
    """Answers signed requests one at a time. `now` is in milliseconds.

    `visible_after` are the milliseconds for which an order that was taken is not found; `stale_by` those by which
    what is said of orders is behind the trades; with `duplicate_trades` each trade is listed twice. With a file the
    state is written to it before each answer, so that it survives `kill -9`.
    """

    def __init__(self, now: Callable[[], int], file: Path | None = None) -> None:
        self.now = now
        self.file = file
        self.book = Book(now)
        self.faults = Faults()
        self.lock = threading.RLock()
        self.visible_after = 0
        self.stale_by = 0
        self.duplicate_trades = False
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.symbols = frozenset(SYMBOLS)
        if file is not None and file.exists():
            self.book.load(json.loads(file.read_text()))

    def answer(self, method: str, path: str, signed: str, key: str) -> Any:
        """Answer a signed request; raise Refused, or Lost where a fault takes the answer."""
        request, route = EVERY_ROUTE[method, path]
        with self.lock:
            params = dict(parse_qsl(signed, keep_blank_values=True))
            shown = {name: value for name, value in params.items() if name != "signature"}
            self.asked.append((request, shown))
            fault = self.faults.take(request)
            if fault is not None and fault.kind == "refuse":
                raise Refused(fault.code, fault.message or "Refused.", fault.status if fault.status < 500 else 400)
            if fault is not None and not fault.after:
                raise Lost(fault)
            account = authenticate(self, key, signed, params)
            answer = route(self, account, params)
            self.keep()
        if fault is not None:
            raise Lost(fault)
        return answer

    def is_visible(self, order: VenueOrder) -> bool:
        return self.now() - order.time >= self.visible_after

    def shown(self, order: VenueOrder) -> dict[str, Any]:
        return order.answer(self.now() - self.stale_by if self.stale_by else None)

    def keep(self) -> None:
        """Write the state to the file, whole or not at all."""
        if self.file is None:
            return
        text = json.dumps(self.book.dump(), default=str)
        fresh = self.file.with_suffix(".new")
        with fresh.open("w") as target:
            target.write(text)
            target.flush()
            os.fsync(target.fileno())
        fresh.replace(self.file)

    # What a test does to the exchange, directly or over HTTP.

    def open_account(
        self, key: str, secret: str, balances: dict[str, Any] | None = None, rights: dict[str, bool] | None = None
    ) -> Account:
        with self.lock:
            account = Account(key, secret, rights=Rights(**(rights or {})))
            account.free = {name: Decimal(str(amount)) for name, amount in (balances or {}).items()}
            self.book.accounts[key] = account
            self.keep()
        return account

    def set_price(self, symbol: str, price: Any) -> None:
        with self.lock:
            self.book.set_price(symbol, Decimal(str(price)))
            self.keep()

    def fill_if_working(self, client_order_id: str, quantity: Any) -> None:
        """Fill a part of an order where it is here, and works."""
        with self.lock:
            found = [each for each in self.book.orders if each.client_order_id == client_order_id]
            if found and found[-1].is_working and found[-1].is_triggered:
                self.fill(client_order_id, quantity)

    def fill(self, client_order_id: str, quantity: Any, price: Any = None) -> VenueTrade:
        """Fill a part of a working order."""
        with self.lock:
            order = next(each for each in reversed(self.book.orders) if each.client_order_id == client_order_id)
            trade = self.book.fill(order, Decimal(str(quantity)), None if price is None else Decimal(str(price)))
            self.keep()
        return trade

    def external(self, key: str, **params: str) -> VenueOrder:
        """Place an order of the account past the platform, in the exchange's own words."""
        from .api import order_of

        with self.lock:
            order = self.book.place(order_of(self, self.book.accounts[key], params))
            self.keep()
        return order

    def cancel(self, client_order_id: str) -> None:
        """Cancel an order past the platform."""
        with self.lock:
            order = next(each for each in reversed(self.book.orders) if each.client_order_id == client_order_id)
            self.book.cancel(order)
            self.keep()

    def deposit(self, key: str, currency: str, amount: Any) -> None:
        with self.lock:
            self.book.accounts[key].add(currency, Decimal(str(amount)))
            self.keep()

    def control(self, wishes: dict[str, Any]) -> None:
        """Do what is wished for, by the names of this class's own methods and settings."""
        with self.lock:
            self.faults.add(wishes.pop("faults", ()))
            for name in ("visible_after", "stale_by", "duplicate_trades"):
                if name in wishes:
                    setattr(self, name, wishes.pop(name))
            if "depth" in wishes:
                self.book.depth = {name: Decimal(str(each)) for name, each in wishes.pop("depth").items()}
            for key, currency in wishes.pop("pays_in", {}).items():
                self.book.accounts[key].pays_in = currency
            for symbol, price in wishes.pop("prices", {}).items():
                self.set_price(symbol, price)
            for name in ("open_account", "fill", "fill_if_working", "external", "cancel", "deposit"):
                if name in wishes:
                    getattr(self, name)(**wishes.pop(name))
        if wishes:
            raise ValueError(f"There is no {', '.join(wishes)} to control.")

    def truth(self) -> dict[str, Any]:
        """Return everything that the exchange took, traded and was asked: its own truth, for tests to compare."""
        with self.lock:
            return {
                "orders": [{**dump(order), "history": []} for order in self.book.orders],
                "trades": [dump(trade) for trade in self.book.trades],
                "accounts": {
                    key: {
                        "free": account.free,
                        "locked": account.locked,
                        "positions": {name: held for name, (held, _) in account.positions.items()},
                        "leverage": account.leverage,
                    }
                    for key, account in self.book.accounts.items()
                },
                "prices": self.book.prices,
                "asked": self.asked,
            }
