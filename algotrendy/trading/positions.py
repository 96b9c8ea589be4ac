"""A position as arithmetic: signed quantity, signed cost, and what each fill realizes.

For any sequence of fills, with cash falling by the value of each buy, rising by that of each sell and falling by each
fee: cash + cost basis = initial cash + realized - fees, to the last digit. Dividing the cost for a partial close is
the only rounding, and what it takes from the cost it gives to the realized profit.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .values import ZERO, PositionSide, Side, quantize


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome of a fill. `closed` and `opened` are the unsigned quantities it closed and opened."""

    before: PositionState
    after: PositionState
    realized: Decimal
    closed: Decimal
    opened: Decimal
    opened_value: Decimal


@dataclass(frozen=True, slots=True)
class PositionState:
    """What is held: `quantity` is signed (short below 0), `cost_basis` is the signed value that was paid for it."""

    quantity: Decimal = ZERO
    cost_basis: Decimal = ZERO

    @property
    def side(self) -> PositionSide:
        if self.quantity == 0:
            return PositionSide.FLAT
        return PositionSide.LONG if self.quantity > 0 else PositionSide.SHORT

    @property
    def sign(self) -> int:
        return (self.quantity > 0) - (self.quantity < 0)

    def average_price(self, contract_size: Decimal = Decimal(1)) -> Decimal:
        """Return the average entry price at 8 decimals; 0 when flat."""
        return quantize(self.cost_basis / (self.quantity * contract_size)) if self.quantity else ZERO

    def apply(self, side: Side, quantity: Decimal, value: Decimal) -> Applied:
        """Return what a fill of unsigned `quantity`, worth unsigned `value` in the quote currency, makes of it.

        A fill against the position closes it first; what is left of the fill opens the other side.
        """
        if self.sign != -side.sign:
            after = PositionState(self.quantity + side.sign * quantity, self.cost_basis + side.sign * value)
            return Applied(self, after, ZERO, closed=ZERO, opened=quantity, opened_value=value)
        closed = min(quantity, abs(self.quantity))
        opened = quantity - closed
        closed_value = value if not opened else quantize(value * closed / quantity)
        cost = (
            self.cost_basis if closed == abs(self.quantity) else quantize(self.cost_basis * closed / abs(self.quantity))
        )
        opened_value = value - closed_value
        after = PositionState(self.quantity + side.sign * quantity, self.cost_basis - cost + side.sign * opened_value)
        return Applied(self, after, -side.sign * closed_value - cost, closed, opened, opened_value)
