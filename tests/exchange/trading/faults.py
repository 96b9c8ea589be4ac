"""What goes wrong on demand at the trading exchange."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

KINDS = frozenset({"timeout", "cut", "status", "garbage", "refuse"})
REQUESTS = frozenset(
    {"any", "place", "cancel", "query", "open_orders", "all_orders", "trades", "account", "rights", "positions"}
    | {"leverage"}
)


@dataclass
class Fault:
    """The fate of the next `times` requests of a sort.

    `kind`: timeout (no answer within `seconds`, then the connection is cut), cut (at once), status (an answer of that
    status without a code that says anything), garbage (a page with status 200), refuse (the exchange's own error
    `code`, nothing done). `after` says that the request was taken all the same, and only its answer is lost.
    """

    request: str
    kind: str
    after: bool = False
    times: int = 1
    status: int = 503
    code: int = 0
    message: str = ""
    seconds: float = 4.0
    retry_after: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.request not in REQUESTS:
            raise ValueError(f"There is no fault {self.kind} of {self.request}.")


class Faults:
    """Waiting faults, taken in order; the first that fits a request is its fate."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, faults: Iterable[Fault | dict[str, Any]]) -> None:
        self.waiting.extend(fault if isinstance(fault, Fault) else Fault(**fault) for fault in faults)

    def take(self, request: str) -> Fault | None:
        for fault in self.waiting:
            if fault.request in ("any", request):
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None
