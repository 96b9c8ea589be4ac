"""What differs between the platform and a venue, with the figures of both."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from algotrendy.trading.broker import VenueOrder, VenueTrade
from apps.orders.models import Order


class DifferenceKind(StrEnum):
    ORDER = "order"
    FILL = "fill"
    POSITION = "position"
    BALANCE = "balance"


DIFFERENCE_KINDS = tuple(kind.value for kind in DifferenceKind)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs; `what` names the order, the instrument or the currency."""

    kind: DifferenceKind
    what: str
    ours: str
    venue: str
    note: str = ""

    def told(self) -> dict[str, str]:
        """Return it as rows keep it."""
        return {name: str(value) for name, value in asdict(self).items()}


def stranger(venue_order: VenueOrder, why: str) -> Difference:
    """Return an order of the account that the platform does not know and cannot take over."""
    side = venue_order.side or ""
    return Difference(
        DifferenceKind.ORDER,
        f"{venue_order.symbol} {venue_order.client_order_id or venue_order.exchange_order_id}",
        "unknown",
        f"{venue_order.status} {side} {venue_order.quantity:f}",
        why,
    )


def strange_trade(trade: VenueTrade, why: str) -> Difference:
    """Return an execution of the account that belongs to no order of the platform."""
    return Difference(
        DifferenceKind.FILL,
        f"{trade.symbol} {trade.trade_id}",
        "unknown",
        f"{trade.side} {trade.quantity:f} at {trade.price:f}",
        why,
    )


def ended(order: Order, venue_order: VenueOrder | None) -> Difference:
    """Return an order that works here and not at the venue."""
    there = "unknown" if venue_order is None else f"{venue_order.status}, filled {venue_order.filled_quantity:f}"
    return Difference(
        DifferenceKind.ORDER,
        f"{order.instrument} {order.client_order_id}",
        f"{order.status}, filled {order.filled_quantity:f}",
        there,
    )
