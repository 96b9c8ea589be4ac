"""The order: what may be asked for, and the state machine that it goes through.

Denied is the platform's own risk engine's word, rejected is the venue's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from .errors import InvalidTransition
from .instruments import InstrumentSpec
from .validating import MAX_PRICE, MAX_QUANTITY, MIN_AMOUNT, quantity_for, validate_order
from .values import OrderType, Side, TimeInForce

__all__ = [
    "MAX_PRICE",
    "MAX_QUANTITY",
    "MIN_AMOUNT",
    "TERMINAL",
    "TRANSITIONS",
    "WORKING",
    "OrderIntent",
    "OrderStatus",
    "quantity_for",
    "status_after_fill",
    "transition",
]


class OrderStatus(StrEnum):
    HELD = "held"
    """Committed, but not to be sent before something has happened: its parent's fill, its trigger, a cancel."""
    PENDING = "pending"
    """Committed, not yet sent."""
    SUBMITTED = "submitted"
    """Claimed for sending or sent; the venue has not answered yet."""
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    DENIED = "denied"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL

    @property
    def is_working(self) -> bool:
        """Whether the order can still trade."""
        return self not in TERMINAL


TERMINAL = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.DENIED}
)
WORKING = tuple(status for status in OrderStatus if status not in TERMINAL)

TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = MappingProxyType(
    {
        OrderStatus.HELD: frozenset({OrderStatus.PENDING, OrderStatus.CANCELED, OrderStatus.EXPIRED}),
        OrderStatus.PENDING: frozenset({OrderStatus.SUBMITTED, OrderStatus.DENIED, OrderStatus.CANCELED}),
        OrderStatus.SUBMITTED: frozenset(
            {
                OrderStatus.OPEN,
                OrderStatus.PARTIALLY_FILLED,
                OrderStatus.FILLED,
                OrderStatus.CANCELED,
                OrderStatus.REJECTED,
                OrderStatus.EXPIRED,
            }
        ),
        OrderStatus.OPEN: frozenset(
            {
                OrderStatus.PARTIALLY_FILLED,
                OrderStatus.FILLED,
                OrderStatus.CANCELED,
                OrderStatus.REJECTED,
                OrderStatus.EXPIRED,
            }
        ),
        OrderStatus.PARTIALLY_FILLED: frozenset(
            {OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED}
        ),
        # A venue may report a fill after the cancel or the expiry that it had raced: its word is the truth.
        OrderStatus.CANCELED: frozenset({OrderStatus.FILLED}),
        OrderStatus.EXPIRED: frozenset({OrderStatus.FILLED}),
        OrderStatus.FILLED: frozenset(),
        # Rejected for want of proof, and then found at the venue after all: its word is the truth here, too.
        OrderStatus.REJECTED: frozenset(
            {OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED, OrderStatus.CANCELED}
        ),
        OrderStatus.DENIED: frozenset(),
    }
)


def transition(current: OrderStatus, target: OrderStatus) -> OrderStatus:
    """Return the target status; raise InvalidTransition where the state machine has no such step."""
    if target not in TRANSITIONS[current]:
        raise InvalidTransition(f"An order that is {current} cannot become {target}.")
    return target


def status_after_fill(current: OrderStatus, quantity: Decimal, filled_quantity: Decimal) -> OrderStatus:
    """Return the status once `filled_quantity` of `quantity` is filled; a late fill leaves a finished order so."""
    if filled_quantity == quantity:
        return transition(current, OrderStatus.FILLED)
    if current in (OrderStatus.CANCELED, OrderStatus.EXPIRED):
        return current
    return transition(current, OrderStatus.PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """What somebody wants to trade. Prices are in the quote currency."""

    side: Side
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    reduce_only: bool = False
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    notional: Decimal | None = None
    """What was asked for in the quote currency, where that and not a quantity was asked for; `quantity` follows it."""
    post_only: bool = False
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None

    def value_price(self, market_price: Decimal) -> Decimal:
        """Return the price that the order's value is judged at: its own where it has one, else the market's."""
        return self.limit_price or self.stop_price or market_price

    def validate(self, instrument: InstrumentSpec, market_price: Decimal, at: datetime | None = None) -> None:
        """Raise InvalidOrder, with what to do, unless the order fits its type, the instrument's grid and the market.

        `at` is the market time; where it is given, the order must not end before it begins.
        """
        validate_order(self, instrument, market_price, at)
