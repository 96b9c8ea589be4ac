"""The layout of the compiled code's arrays: which column holds what."""

from __future__ import annotations

from typing import NamedTuple

from algotrendy.trading.candles import Floats, Times

import numpy as np  # isort: skip
import numpy.typing as npt  # isort: skip


class Run(NamedTuple):
    """Everything a run reads and changes. Rows of `state` and `rules` are books, `limits` and `account` the account's.

    The signal of book b on flat bar i is at `i + shift[b]`. `stop`, `target` and `sigma`, a share a year, are empty
    where no book looks at them.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    action: npt.NDArray[np.int8]
    stop: Floats
    target: Floats
    sigma: Floats
    shift: Times
    state: Floats
    rules: Floats
    limits: Floats
    account: Floats


class Own(NamedTuple):
    """One book's rows, with the account and the trades that it writes to."""

    state: Floats
    rules: Floats
    account: Floats
    trades: Floats
    book: int


# The rules of a book. Grids are in units of 1e-8, rates and distances are shares (0.01 is 1 %);
# R_TICKS and R_STEPS are how many of them make 1.
RULES = 22
(
    R_LONGS, R_SHORTS, R_SIZING, R_SIZE, R_TICK, R_STEP, R_MIN_QUANTITY, R_MIN_NOTIONAL, R_CONTRACT, R_MOST,
    R_COMMISSION, R_SLIPPAGE, R_PROTECT, R_LEVELS, R_STOP, R_TARGET, R_TRAIL, R_LIMIT, R_LIMIT_BARS, R_CLOSE_FILLS,
    R_TICKS, R_STEPS,
) = range(22)  # fmt: skip
# How an entry is sized. What comes after AT_FILL looks at the signal's stop or volatility, and is never plain.
OF_EQUITY, FIXED, AT_FILL, OF_RISK, OF_VOLATILITY = 0.0, 1.0, 2.0, 3.0, 4.0

# The state of a book: what it holds, what protects it, what waits. Prices that are not are NaN.
STATES = 20
(
    S_HELD, S_ENTRY, S_ENTRY_BAR, S_ENTRY_FEE, S_ENTRY_WHEN, S_STOP, S_TARGET, S_PEAK, S_TRAILED, S_MARK,
    S_ORDER_SIDE, S_ORDER_OPEN, S_ORDER_CLOSES, S_ORDER_STOP, S_ORDER_TARGET, S_ORDER_PRICE, S_ORDER_LIMIT,
    S_ORDER_LAST,
) = range(18)  # fmt: skip

# The account, and its limits.
ACCOUNTS = 10
A_CASH, A_FEES, A_COUNT, A_SKIPPED, A_CANCELED, DENIALS = range(6)
LIMITS = 6
L_ENABLED, L_SMALLEST, L_LARGEST, L_POSITION, L_CONCURRENT, L_EXPOSURE = range(6)

# A trade, in the order of its columns: book, side, quantity, entry and exit bar, prices, fees, then why and when.
TRADE_FIELDS = 12
SIGNAL_EXIT, STOP_EXIT, TARGET_EXIT, TRAIL_EXIT, STILL_OPEN = 0, 1, 2, 3, 4
AT_OPEN, INSIDE, AT_CLOSE = 0, 1, 2
