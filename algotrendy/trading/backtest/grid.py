"""Rounding as the exact decimals round, compiled. Grids are in units of 1e-8."""

from __future__ import annotations

import numpy as np

from algotrendy.trading.backtest.compiling import inlined
from algotrendy.trading.backtest.layout import (
    R_CONTRACT,
    R_MIN_QUANTITY,
    R_SLIPPAGE,
    R_STEP,
    R_STEPS,
    R_TICK,
    R_TICKS,
)  # fmt: skip
from algotrendy.trading.candles import Floats

UNITS = 100_000_000
LARGEST_UNITS = 9e17
EXACT = 9e15


@inlined
def product(first: float, second: float) -> float:
    """Return the product of two amounts, of 8 decimals each, rounded to 8 decimals, half to even: to the last digit.

    A fee of a round price and a round rate often lies exactly between two amounts, where a float's noise would decide.
    The remainder is exact in the 64 bits of an integer, also where the product itself is beyond them.
    """
    coarse, other = np.rint(first * 1e4), np.rint(second * 1e4)
    if abs(first * 1e4 - coarse) + abs(second * 1e4 - other) < 1e-5 and coarse * other < EXACT:
        return coarse * other / 1e8  # of 4 decimals each: nothing to round
    left, right = np.rint(first * 1e8), np.rint(second * 1e8)
    guess = np.floor(left * right * 1e-8)  # near enough: what is left tells the rest
    if guess > LARGEST_UNITS:
        return np.rint(left * right / 1e8) / 1e8
    unit = np.uint64(UNITS)
    whole = np.int64(guess)
    rest = np.int64(np.uint64(left) * np.uint64(right) - np.uint64(guess) * unit)
    while rest < 0:
        rest, whole = rest + UNITS, whole - 1
    while rest >= UNITS:
        rest, whole = rest - UNITS, whole + 1
    if 2 * rest > UNITS or (2 * rest == UNITS and whole % 2 == 1):
        whole += 1
    return whole / 1e8


@inlined
def part(amount_: float, share: float, whole: float) -> float:
    """Return an amount's part, `share` of `whole`, rounded to 8 decimals, half to even."""
    units = amount_ * 1e8 * share / whole
    down = np.floor(units)
    if abs(units - down - 0.5) < 1e-6:  # between two amounts, but for the float's noise
        return (down + down % 2) / 1e8
    return np.rint(units) / 1e8


@inlined
def notional(price: float, quantity: float, rules: Floats) -> float:
    """Return the value of a quantity in the quote currency, at 8 decimals."""
    return product(price * rules[R_CONTRACT], quantity)


@inlined
def nearest(price: float, tick: float) -> float:
    """Return the nearest price on the grid, half to even; `tick` is in units of 1e-8, as all grids here."""
    exact = np.rint(price * 1e8)
    ticks = np.floor(exact / tick)
    rest = exact - ticks * tick
    if 2 * rest > tick or (2 * rest == tick and ticks % 2 == 1):
        ticks += 1
    return ticks * tick / 1e8


@inlined
def against(price: float, side: float, rules: Floats) -> float:
    """Return the price with slippage, on the next tick that is no better for the taker."""
    ticks = price * (1 + side * rules[R_SLIPPAGE]) * rules[R_TICKS]
    whole = np.rint(ticks)
    if abs(ticks - whole) > 1e-7 + ticks * 1e-15:  # what is left of a whole tick below that is the float's noise
        whole = np.ceil(ticks) if side > 0 else np.floor(ticks)
    return whole * rules[R_TICK] / 1e8


@inlined
def on_step(quantity: float, rules: Floats) -> float:
    """Return the quantity on the step grid that is not above; 0 below the least that trades."""
    steps = np.floor(quantity * rules[R_STEPS] * (1 + 1e-15) + 1e-9)
    rounded = steps * rules[R_STEP] / 1e8
    return rounded if rounded >= rules[R_MIN_QUANTITY] else 0.0
