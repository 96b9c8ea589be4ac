"""What can be traded, and how finely."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from .values import ZERO, Side, quantize


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """The trading rules of an instrument.

    `price_tick` and `quantity_step` are the grid on which prices and quantities lie; `min_notional` is in the
    quote currency; `contract_size` is the quantity of the underlying in one unit (1 for spot and stocks).
    """

    symbol: str
    quote_currency: str
    price_tick: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    min_notional: Decimal = ZERO
    contract_size: Decimal = Decimal(1)

    def notional(self, price: Decimal, quantity: Decimal) -> Decimal:
        """Return the value in the quote currency, at 8 decimals; signed as the quantity is."""
        return quantize(price * quantity * self.contract_size)

    def round_price(self, price: Decimal) -> Decimal:
        """Return the nearest price on the tick grid."""
        return self._on_grid(price, self.price_tick, ROUND_HALF_EVEN)

    def round_price_against(self, price: Decimal, side: Side) -> Decimal:
        """Return the next price on the tick grid that is no better for the taker: up for a buy, down for a sell."""
        return self._on_grid(price, self.price_tick, ROUND_CEILING if side is Side.BUY else ROUND_FLOOR)

    def round_quantity(self, quantity: Decimal) -> Decimal:
        """Return the largest quantity on the step grid that is not above the given one."""
        return self._on_grid(quantity, self.quantity_step, ROUND_DOWN)

    def is_on_tick(self, price: Decimal) -> bool:
        return price % self.price_tick == 0

    def is_on_step(self, quantity: Decimal) -> bool:
        return quantity % self.quantity_step == 0

    @staticmethod
    def _on_grid(value: Decimal, step: Decimal, rounding: str) -> Decimal:
        return quantize((value / step).to_integral_value(rounding=rounding) * step)
