"""What the platform asks of a venue, and what a venue answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from .orders import OrderStatus
from .values import OrderType, Side, TimeInForce


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as it is sent. `active_from` is the market time from which it may trade (simulated venues only)."""

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    time_in_force: TimeInForce
    active_from: datetime
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    expires_at: datetime | None = None
    oco_group: str = ""


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue knows it."""

    client_order_id: str
    exchange_order_id: str
    status: OrderStatus
    filled_quantity: Decimal


class ReportKind(StrEnum):
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    TRIGGERED = "triggered"


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """Something that happened to an order at the venue, at market time `at`.

    A fill carries the venue's trade id, which makes it count once.
    """

    kind: ReportKind
    client_order_id: str
    at: datetime
    reason: str = ""
    trade_id: str = ""
    price: Decimal = Decimal(0)
    quantity: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)


class BrokerGateway(Protocol):
    """A venue. Every call may raise BrokerUnavailable: then nothing is known, and the venue must be asked again."""

    def submit_order(self, request: OrderRequest) -> VenueOrder:
        """Send an order; sending the same client order id again returns the first one. Raises BrokerRejected."""
        ...

    def cancel_order(self, client_order_id: str, symbol: str) -> VenueOrder:
        """Ask for a cancel; return the order as it then is. Raises BrokerRejected where the venue has no such order."""
        ...

    def reduce_order(self, client_order_id: str, symbol: str, quantity: Decimal) -> VenueOrder:
        """Lower what remains of a resting order to `quantity`. Raises BrokerRejected."""
        ...

    def fetch_order(self, client_order_id: str, symbol: str) -> VenueOrder | None:
        """Return the order as the venue knows it; None is the venue's own word that it has never seen it."""
        ...
