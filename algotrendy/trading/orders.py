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

from .errors import InvalidOrder, InvalidTransition
from .instruments import InstrumentSpec
from .values import OrderType, Side, TimeInForce

MAX_QUANTITY = Decimal(1_000_000)
MAX_PRICE = Decimal(10_000_000)
MIN_AMOUNT = Decimal("0.00000001")


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


def quantity_for(notional: Decimal, price: Decimal, instrument: InstrumentSpec) -> Decimal:
    """Return the largest quantity on the instrument's grid that is worth no more than `notional` at the price."""
    return instrument.round_quantity(notional / (price * instrument.contract_size))


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

    def validate(self, instrument: InstrumentSpec, market_price: Decimal) -> None:
        """Raise InvalidOrder, with what to do, unless the order fits its type and the instrument's grid."""
        self._validate_quantity(instrument)
        self._validate_price("limit price", self.limit_price, self.type.needs_limit_price, instrument)
        self._validate_price("stop price", self.stop_price, self.type.needs_stop_price, instrument)
        self._validate_lifetime()
        self._validate_protection(instrument, market_price)
        value = instrument.notional(self.value_price(market_price), self.quantity)
        if value < instrument.min_notional and not self.reduce_only:
            raise InvalidOrder(
                f"The order is worth {value:f} {instrument.quote_currency}; "
                f"{instrument.symbol} takes orders from {instrument.min_notional.normalize():f}.",
                code="below_min_notional",
            )

    def _validate_quantity(self, instrument: InstrumentSpec) -> None:
        if not self.quantity.is_finite() or not MIN_AMOUNT <= self.quantity <= MAX_QUANTITY:
            raise InvalidOrder(
                f"Quantity must be above 0 and at most {MAX_QUANTITY:,f}, not {self.quantity:f}.",
                code="quantity_out_of_range",
            )
        if not instrument.is_on_step(self.quantity):
            raise InvalidOrder(
                f"Quantity {self.quantity:f} is too precise: {instrument.symbol} trades in steps of "
                f"{instrument.quantity_step.normalize():f}.",
                code="quantity_off_step",
            )
        if self.quantity < instrument.min_quantity:
            raise InvalidOrder(
                f"Quantity {self.quantity:f} is below the least that {instrument.symbol} trades, "
                f"{instrument.min_quantity.normalize():f}.",
                code="below_min_quantity",
            )

    def _validate_price(self, name: str, price: Decimal | None, needed: bool, instrument: InstrumentSpec) -> None:
        code = name.replace(" ", "_")
        kind = self.type.replace("_", "-")
        if price is None:
            if needed:
                raise InvalidOrder(f"A {kind} order needs a {name}.", code=f"{code}_missing")
            return
        if not needed:
            raise InvalidOrder(f"A {kind} order takes no {name}; leave it out.", code=f"{code}_not_allowed")
        _check_price(name, code, price, instrument)

    def _validate_lifetime(self) -> None:
        if (self.time_in_force is TimeInForce.GTD) != (self.expires_at is not None):
            raise InvalidOrder("Give expires_at with time in force gtd, and only with it.", code="expires_at_mismatch")

    def _validate_protection(self, instrument: InstrumentSpec, market_price: Decimal) -> None:
        entry = self.value_price(market_price)
        for name, price, direction in (("stop loss", self.stop_loss, -1), ("take profit", self.take_profit, 1)):
            if price is None:
                continue
            code = name.replace(" ", "_")
            if self.reduce_only:
                raise InvalidOrder(
                    f"An order that only reduces a position takes no {name}.", code=f"{code}_not_allowed"
                )
            _check_price(name, code, price, instrument)
            if (price - entry) * self.side.sign * direction <= 0:
                where = "above" if self.side.sign * direction > 0 else "below"
                raise InvalidOrder(
                    f"The {name} of a {self.side} must be {where} {entry:f}, not {price:f}.",
                    code=f"{code}_wrong_side",
                )


def _check_price(name: str, code: str, price: Decimal, instrument: InstrumentSpec) -> None:
    if not price.is_finite() or not MIN_AMOUNT <= price <= MAX_PRICE:
        raise InvalidOrder(
            f"The {name} must be above 0 and at most {MAX_PRICE:,f}, not {price:f}.", code=f"{code}_out_of_range"
        )
    if not instrument.is_on_tick(price):
        raise InvalidOrder(
            f"The {name} {price:f} is too precise: {instrument.symbol} is priced in steps of "
            f"{instrument.price_tick.normalize():f}.",
            code=f"{code}_off_tick",
        )
