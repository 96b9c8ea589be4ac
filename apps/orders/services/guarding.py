"""May this order be sent now? Asked under the order's lock at the last moment before it goes to its venue.

What has changed since an order was checked and committed (a halt, a switch for real money) is effective on orders that
are queued already. Each guard is a function of the order that raises `SendDenied`, with a stable code and a sentence.
"""

from __future__ import annotations

from collections.abc import Callable

from algotrendy.trading.errors import TradingError
from apps.orders.models import Order

type Guard = Callable[[Order], None]


class SendDenied(TradingError):
    """The platform does not let the order go to its venue any more."""

    code = "send_denied"


_guards: list[Guard] = []


def guard_add(guard: Guard) -> Guard:
    """Ask this function, too, before an order is sent; usable as a decorator."""
    if guard not in _guards:
        _guards.append(guard)
    return guard


def require_sendable(order: Order) -> None:
    """Return where every guard lets the order go; raise the first one's SendDenied."""
    for guard in _guards:
        guard(order)
