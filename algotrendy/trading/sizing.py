"""How much an entry trades: four ways, on the instrument's grid."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from algotrendy.trading.backtest.config import Sizing, SizingRule
from algotrendy.trading.candles import Floats
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.orders import MAX_QUANTITY
from algotrendy.trading.values import ZERO

RETURNS = 20
"""So many of the newest returns tell how much a price moves."""


@dataclass(frozen=True, slots=True)
class Sized:
    """The quantity to open, 0 where there is none, and then why."""

    quantity: Decimal
    reason: str = ""


def size_entry(
    sizing: Sizing,
    *,
    spec: InstrumentSpec,
    price: Decimal,
    equity: Decimal,
    stop: Decimal | None = None,
    volatility: float | None = None,
) -> Sized:
    """Return how much to open at a price, rounded down to the step.

    `stop` is the price at which the position will be left, `volatility` the annual deviation of its returns as a share.
    The two rules that can ask for any amount, by the stop and by the volatility, take at most the largest quantity of
    an order.
    """
    wanted: Decimal
    match sizing.rule:
        case SizingRule.FIXED_QUANTITY:
            wanted = sizing.value
        case SizingRule.PERCENT_OF_EQUITY:
            wanted = _share(sizing, equity) / (price * spec.contract_size)
        case SizingRule.RISK_PERCENT:
            if stop is None:
                return Sized(ZERO, "It has no stop loss, by which the size is reckoned.")
            wanted = min(_share(sizing, equity) / (abs(price - stop) * spec.contract_size), MAX_QUANTITY)
        case SizingRule.VOLATILITY_TARGET:
            if volatility is None or not volatility > 0:
                return Sized(ZERO, f"The volatility is not known: it wants {RETURNS} returns that differ.")
            value = _share(sizing, equity) / (Decimal(repr(float(volatility))) * price * spec.contract_size)
            wanted = min(value, MAX_QUANTITY)
        case _:
            raise ValueError(f"{sizing.rule} is sized at the fill.")
    quantity = spec.round_quantity(wanted)
    if quantity < spec.min_quantity or not quantity:
        return Sized(ZERO, "The size comes to less than the least quantity that trades.")
    return Sized(quantity)


def volatility(close: Floats, bars_per_year: float) -> Floats:
    """Return the annual deviation (n - 1) of the newest 20 returns at each close; NaN before there are so many.

    Each figure is made of its own 21 closes alone, in one order, so that it is the same to the last bit however long
    the column is: live, where only the newest closes are seen, as in a backtest.
    """
    found = np.full(len(close), np.nan)
    count = len(close) - RETURNS
    if count <= 0:
        return found
    returns = close[1:] / close[:-1] - 1
    total = np.zeros(count)
    for offset in range(RETURNS):
        total += returns[offset : offset + count]
    mean, squares = total / RETURNS, np.zeros(count)
    for offset in range(RETURNS):
        squares += (returns[offset : offset + count] - mean) ** 2
    found[RETURNS:] = np.sqrt(squares / (RETURNS - 1)) * np.sqrt(bars_per_year)
    return found


def _share(sizing: Sizing, equity: Decimal) -> Decimal:
    return max(equity, ZERO) * sizing.value / 100
