"""What the platform asks of a venue, and what a venue answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from .orders import OrderStatus
from .values import MarginMode, OrderType, Side, TimeInForce


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
    reduce_only: bool = False
    post_only: bool = False
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue knows it."""

    client_order_id: str
    exchange_order_id: str
    status: OrderStatus
    filled_quantity: Decimal
    symbol: str = ""
    side: Side | None = None
    type: OrderType | None = None
    quantity: Decimal = Decimal(0)
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    average_price: Decimal | None = None
    at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VenueTrade:
    """An execution as the venue lists it. `fee` is in `fee_currency`, which need not be the quote currency."""

    trade_id: str
    exchange_order_id: str
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_currency: str
    at: datetime
    client_order_id: str = ""


@dataclass(frozen=True, slots=True)
class VenueBalance:
    """What the account holds of a currency: `free` can be traded, `used` is tied up in orders."""

    currency: str
    free: Decimal
    used: Decimal

    @property
    def total(self) -> Decimal:
        return self.free + self.used


@dataclass(frozen=True, slots=True)
class VenuePosition:
    """What the account holds of an instrument, over all books; `quantity` is signed, short below 0."""

    symbol: str
    quantity: Decimal
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    liquidation_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What a connection's key may do, as far as the venue says; None where it does not."""

    can_read: bool
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    is_ip_restricted: bool | None = None
    warnings: tuple[str, ...] = ()


class ReportKind(StrEnum):
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    TRIGGERED = "triggered"
    REDUCED = "reduced"
    """The venue made the order smaller; `quantity` is what it is now in whole, what it has traded included."""


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
    """In the quote currency."""
    venue_fee: Decimal = Decimal(0)
    venue_fee_currency: str = ""
    """The fee as it was charged, where that is another currency."""


@dataclass(frozen=True, slots=True)
class VenueTraits:
    """What a venue can do by itself; what it cannot, the platform does.

    `deduplicates`: sending a client order id again returns the first order, so that an order of which the venue has
    never heard may be sent again. Elsewhere it is rejected once the proof window is over. `groups`: the first fill of
    an OCO group cancels the others at the venue. `reduces`: a resting order can be made smaller. `rests`: the types of
    order that rest at the venue; the platform triggers the others. `is_simulated`: fills come from candles that this
    platform shows it, in the same transaction.
    """

    deduplicates: bool
    groups: bool
    reduces: bool
    rests: frozenset[OrderType]
    is_simulated: bool = False


class BrokerGateway(Protocol):
    """A venue. Every call may raise BrokerUnavailable: then nothing is known, and the venue must be asked again."""

    @property
    def traits(self) -> VenueTraits: ...

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

    def fetch_open_orders(self, symbol: str) -> list[VenueOrder]:
        """Return every order of the account that works in the instrument, whoever placed it."""
        ...

    def fetch_trades(self, symbol: str, since: datetime | None) -> list[VenueTrade]:
        """Return the account's executions in the instrument at or after a time, oldest first, all pages of them."""
        ...

    def fetch_order_trades(self, client_order_id: str, symbol: str) -> list[VenueTrade]:
        """Return the executions of one order, oldest first."""
        ...

    def fetch_balances(self) -> dict[str, VenueBalance]:
        """Return what the account holds, by currency; currencies of which it holds nothing may be missing."""
        ...

    def fetch_positions(self, symbols: list[str]) -> dict[str, VenuePosition]:
        """Return what the account holds of the instruments, by symbol; an instrument that is flat may be missing."""
        ...

    def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """Set the leverage of new positions in the instrument. Raises BrokerRejected where the venue has none."""
        ...

    def key_rights(self) -> KeyRights:
        """Return what the connection's key may do. Raises BrokerRejected where the venue refuses the key."""
        ...
