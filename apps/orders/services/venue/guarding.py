"""May this order be sent now? Asked under the order's lock at the last moment before it goes to its venue.

What has changed since an order was checked and committed (a halt, a switch for real money) is effective on orders that
are queued already.
"""

from __future__ import annotations

from algotrendy.trading.errors import TradingError
from apps.brokers.live import LiveRefused, require_may_trade
from apps.orders.models import Order
from apps.orders.services.entry.halting import halt_of


class SendDenied(TradingError):
    """The platform does not let the order go to its venue any more; `figures` are what was compared."""

    code = "send_denied"

    def __init__(self, message: str, *, code: str, figures: dict[str, str] | None = None) -> None:
        super().__init__(message, code=code)
        self.figures = figures or {}


def require_sendable(order: Order) -> None:
    """Raise SendDenied for an order that a halt covers, or that real money has been switched off for."""
    if (refusal := halt_of(order)) is not None:
        raise SendDenied(refusal.message, code=refusal.code, figures=refusal.figures)
    try:
        require_may_trade(order.portfolio.connection)
    except LiveRefused as error:
        raise SendDenied(error.message, code=error.code) from None
