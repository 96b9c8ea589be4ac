"""Rounding as the exact decimals round, compiled. Grids are in units of 1e-8."""

from __future__ import annotations

import numpy as np

from algotrendy.trading.backtest.compiling import compiled
from algotrendy.trading.backtest.layout import (
    R_MIN_QUANTITY,
    R_STEP,
)  # fmt: skip
from algotrendy.trading.candles import Floats


@compiled
def amount(value: float) -> float:
    """Round an amount to 8 decimals, half to even."""
    return np.rint(value * 1e8) / 1e8


@compiled
def nearest(price: float, tick: float) -> float:
    """Return the nearest price on the grid, half to even; `tick` is in units of 1e-8, as all grids here."""
    exact = np.rint(price * 1e8)
    ticks = np.floor(exact / tick)
    rest = exact - ticks * tick
    if 2 * rest > tick or (2 * rest == tick and ticks % 2 == 1):
        ticks += 1
    return ticks * tick / 1e8


@compiled
def against(price: float, side: float, slippage: float, tick: float) -> float:
    """Return the price with slippage, on the next tick that is no better for the taker."""
    ticks = price * (1 + side * slippage) * 1e8 / tick
    whole = np.rint(ticks)
    if abs(ticks - whole) > 1e-7 + ticks * 1e-15:  # what is left of a whole tick below that is the float's noise
        whole = np.ceil(ticks) if side > 0 else np.floor(ticks)
    return whole * tick / 1e8


@compiled
def on_step(quantity: float, rules: Floats) -> float:
    """Return the quantity on the step grid that is not above; 0 below the least that trades."""
    steps = np.floor(quantity * 1e8 / rules[R_STEP] * (1 + 1e-15) + 1e-9)
    rounded = steps * rules[R_STEP] / 1e8
    return rounded if rounded >= rules[R_MIN_QUANTITY] else 0.0
