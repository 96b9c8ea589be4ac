"""Playing a trial: its requests as a client sends them, each until the API has given a definite answer."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import requests

from tests.faults.order_platform import OrderPlatform
from tests.faults.order_trials import Trial

DONE = (200, 201)
TOO_LATE = (400, 409, 422)
"""Answers to a change of what has ended meanwhile."""
OPEN = """
    SELECT h.id, p.name, i.symbol FROM portfolio_position h JOIN portfolio_portfolio p ON p.id = h.portfolio_id
    JOIN marketdata_instrument i ON i.id = h.instrument_id WHERE h.closed_at IS NULL
"""


class Play:
    """One trial as it is played; `accepted` are the quantities of what the API has taken, by client order id."""

    def __init__(self, platform: OrderPlatform, trial: Trial) -> None:
        self.platform, self.trial = platform, trial
        self.portfolio: str = platform.ids["portfolios"][trial.account]
        self.accepted: dict[str, Decimal] = {}
        self.orders: list[str] = []
        """The ids of the orders that were asked for, oldest first."""

    def run(self) -> dict[str, Decimal]:
        """Play until every step is done and the victim is dead; return what was accepted."""
        faults = [] if self.trial.fault is None else [self.trial.fault]
        self.platform.exchange.trade(faults=faults, **self.trial.habit)
        killer = threading.Timer(self.trial.kill_after, self.platform.kill, [self.trial.victim])
        killer.start()
        try:
            for number, step in enumerate(self.trial.steps):
                time.sleep(step.after)
                does: Callable[[int, dict[str, Any]], None] = getattr(self, f"_{step.what}")
                does(number, step.asked)
        finally:
            killer.join()
        return self.accepted

    def _place(self, number: int, asked: dict[str, Any]) -> None:
        self._post("/orders", self._id(number), asked)

    def _list(self, number: int, asked: dict[str, Any]) -> None:
        answer = self._post("/order-lists", self._id(number), asked)
        self.accepted = {order["client_order_id"]: Decimal(order["quantity"]) for order in answer["orders"]}
        self.orders = [order["id"] for order in answer["orders"]]

    def _post(self, path: str, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        body = {**asked, "portfolio": self.portfolio, "symbol": self.trial.symbol, "client_order_id": name}
        status, answer = self.platform.call("POST", path, **body)
        assert status in DONE, answer  # Committed, whatever the exchange will say.
        self.accepted[name] = Decimal(asked.get("quantity", 0))
        self.orders.append(answer.get("id", ""))
        return answer

    def _replace(self, number: int, asked: dict[str, Any]) -> None:
        """Amend the newest order; its quantity, where none is asked for, stays what it was in all."""
        name, path = self._id(number), f"/orders/{self.orders[-1]}/replace"
        status, answer = self.platform.call("POST", path, **asked, client_order_id=name)
        assert status in (*DONE, *TOO_LATE), answer
        if status in DONE:
            before = next(reversed(self.accepted.values()))
            self.accepted[name] = Decimal(asked.get("quantity", before))
            self.orders.append(answer["id"])

    def _cancel(self, number: int, asked: dict[str, Any]) -> None:
        status, answer = self.platform.call("POST", f"/orders/{self.orders[-1]}/cancel")
        assert status in (200, 409), answer

    def _move(self, number: int, asked: dict[str, Any]) -> None:
        self.platform.move({self.trial.symbol: Decimal(asked["price"])})

    def _fill(self, number: int, asked: dict[str, Any]) -> None:
        """Let the exchange fill a part of the first order, if it is there and works."""
        wish = {"client_order_id": next(iter(self.accepted)), "quantity": asked["quantity"]}
        with contextlib.suppress(requests.RequestException):
            self.platform.exchange.trade(fill_if_working=wish)

    def _thin(self, number: int, asked: dict[str, Any]) -> None:
        """Let no more than this be had at once of what orders at the market ask for."""
        self.platform.thin(self.trial.symbol, asked["quantity"])

    def _close(self, number: int, asked: dict[str, Any]) -> None:
        self._change("POST", "close", client_order_id=self._id(number), **asked)

    def _protect(self, number: int, asked: dict[str, Any]) -> None:
        self._change("PATCH", "protection", **asked)

    def _leverage(self, number: int, asked: dict[str, Any]) -> None:
        self._change("POST", "leverage", **asked)

    def _change(self, method: str, path: str, **asked: Any) -> None:
        """Change the position that is open by now, if there is one."""
        place = (self.trial.account, self.trial.symbol)
        rows = [row for row in self.platform.rows(OPEN) if row[1:] == place]
        if rows:
            status, answer = self.platform.call(method, f"/positions/{rows[0][0]}/{path}", **asked)
            assert status in (*DONE, *TOO_LATE), answer
            if "client_order_id" in asked and status in DONE:
                self.accepted[asked["client_order_id"]] = Decimal(asked.get("quantity", 0))

    def _id(self, number: int) -> str:
        return f"{self.trial.client_order_id}{f'-{number}' if number else ''}"
