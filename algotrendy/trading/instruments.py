"""What can be traded, and how finely."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from .values import ZERO, Side, quantize


def value_of(price: Decimal, quantity: Decimal, contract_size: Decimal) -> Decimal:
    """Return the value in the quote currency, at 8 decimals; signed as the quantity is."""
    return quantize(price * quantity * contract_size)


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """The trading rules of an instrument.

    `price_tick` and `quantity_step` are the grid on which prices and quantities lie; `min_notional` is in the
    quote currency; `contract_size` is the quantity of the underlying in one unit (1 for spot and stocks). It trades on
    `days_a_year`, for `hours_a_day`.
    """

    symbol: str
    quote_currency: str
    price_tick: Decimal
    quantity_step: Decimal
    min_quantity: Decimal
    min_notional: Decimal = ZERO
    contract_size: Decimal = Decimal(1)
    days_a_year: float = 365.25
    hours_a_day: float = 24.0

    def bars_per_year(self, bar_seconds: int) -> float:
        """Return how many bars of that length a year of its sessions has."""
        if bar_seconds > 86_400:
            return 365.25 * 86_400 / bar_seconds
        return self.days_a_year * math.ceil(self.hours_a_day * 3600 / bar_seconds)

    def notional(self, price: Decimal, quantity: Decimal) -> Decimal:
        """Return the value in the quote currency, at 8 decimals; signed as the quantity is."""
        return value_of(price, quantity, self.contract_size)

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
