"""What a bar does to what a book holds and has waiting, by the rules of `algotrendy.trading.matching`; compiled."""

from __future__ import annotations

import numpy as np

from algotrendy.trading.backtest.compiling import inlined
from algotrendy.trading.backtest.grid import against, nearest, notional, on_step, part, product
from algotrendy.trading.backtest.layout import (
    A_CANCELED,
    A_CASH,
    A_COUNT,
    A_FEES,
    A_SKIPPED,
    AT_FILL,
    AT_OPEN,
    INSIDE,
    R_COMMISSION,
    R_CONTRACT,
    R_SIZE,
    R_SIZING,
    R_TICK,
    R_TRAIL,
    S_ENTRY,
    S_ENTRY_BAR,
    S_ENTRY_FEE,
    S_ENTRY_WHEN,
    S_HELD,
    S_MARK,
    S_ORDER_CLOSES,
    S_ORDER_LAST,
    S_ORDER_LIMIT,
    S_ORDER_OPEN,
    S_ORDER_SIDE,
    S_ORDER_STOP,
    S_ORDER_TARGET,
    S_PEAK,
    S_STOP,
    S_TARGET,
    S_TRAILED,
    SIGNAL_EXIT,
    STOP_EXIT,
    TARGET_EXIT,
    TRAIL_EXIT,
    Own,
)  # fmt: skip
from algotrendy.trading.candles import Floats


@inlined
def match_bar(own: Own, i: int, price: float, high: float, low: float) -> None:
    """Let a bar meet what the book holds and has resting, in the order in which it can have happened."""
    state, rules = own.state, own.rules
    if state[S_HELD] != 0.0:
        _exit_at_open(own, i, price)
    if state[S_ORDER_SIDE] != 0.0:
        _order_at_open(own, i, price)
        if state[S_HELD] != 0.0:
            _exit_at_open(own, i, price)
    if state[S_HELD] != 0.0:
        _exit_inside(own, i, high, low)
        if rules[R_TRAIL] > 0.0 and state[S_HELD] != 0.0:
            _trail(state, rules, high if state[S_HELD] > 0.0 else low)
    elif state[S_ORDER_SIDE] != 0.0:
        _limit_inside(own, i, low, high)


@inlined
def _exit_at_open(own: Own, i: int, price: float) -> None:
    """Close what the open has carried past its stop or its target."""
    state, rules = own.state, own.rules
    side = 1.0 if state[S_HELD] > 0.0 else -1.0
    if (state[S_STOP] - price) * side >= 0.0:
        _stopped(own, i, price, AT_OPEN)
    elif (price - state[S_TARGET]) * side >= 0.0:
        _leave(own, i, nearest(price, rules[R_TICK]), TARGET_EXIT, AT_OPEN)


@inlined
def _exit_inside(own: Own, i: int, high: float, low: float) -> None:
    """Close what the bar's range carries to its stop, else to its target: where it reaches both, the stop is first."""
    state, rules = own.state, own.rules
    if state[S_HELD] > 0.0:
        stopped, reached = low <= state[S_STOP], high >= state[S_TARGET]
    else:
        stopped, reached = high >= state[S_STOP], low <= state[S_TARGET]
    if stopped:
        _stopped(own, i, state[S_STOP], INSIDE)
    elif reached:
        _leave(own, i, nearest(state[S_TARGET], rules[R_TICK]), TARGET_EXIT, INSIDE)


@inlined
def _stopped(own: Own, i: int, price: float, when: int) -> None:
    state, rules = own.state, own.rules
    side = 1.0 if state[S_HELD] > 0.0 else -1.0
    reason = TRAIL_EXIT if state[S_TRAILED] != 0.0 else STOP_EXIT
    _leave(own, i, against(price, -side, rules), reason, when)


@inlined
def _leave(own: Own, i: int, price: float, reason: int, when: int) -> None:
    """Close by a protective order; an order that was only to close is gone with the position."""
    state, rules = own.state, own.rules
    value = notional(price, abs(state[S_HELD]), rules)
    _close(own, i, price, value, product(value, rules[R_COMMISSION]), reason, when)
    state[S_ORDER_CLOSES] = 0.0
    if state[S_ORDER_OPEN] == 0.0:
        state[S_ORDER_SIDE] = 0.0


@inlined
def _order_at_open(own: Own, i: int, price: float) -> None:
    """Fill at the open what is at market, and a limit entry that the open satisfies."""
    state, rules, account = own.state, own.rules, own.account
    side = state[S_ORDER_SIDE]
    if np.isnan(state[S_ORDER_LIMIT]):
        fill_order(own, i, against(price, side, rules), AT_OPEN)
        return
    if state[S_ORDER_CLOSES] != 0.0:
        opening, state[S_ORDER_OPEN] = state[S_ORDER_OPEN], 0.0
        fill_order(own, i, against(price, side, rules), AT_OPEN)
        state[S_ORDER_SIDE], state[S_ORDER_OPEN] = side, opening
    if i > state[S_ORDER_LAST]:
        state[S_ORDER_SIDE] = 0.0
        account[A_CANCELED] += 1.0
    elif (state[S_ORDER_LIMIT] - price) * side >= 0.0:
        fill_order(own, i, nearest(price, rules[R_TICK]), AT_OPEN)


@inlined
def _limit_inside(own: Own, i: int, low: float, high: float) -> None:
    """Fill a resting limit entry that the bar reaches; its stop and target stand from the next bar on."""
    state = own.state
    side, limit = state[S_ORDER_SIDE], state[S_ORDER_LIMIT]
    best = low if side > 0.0 else high
    if (limit - best) * side >= 0.0:
        _open_anew(own, i, limit, opening_quantity(own, limit), INSIDE)
        state[S_ORDER_SIDE] = 0.0


@inlined
def fill_order(own: Own, i: int, price: float, when: int) -> None:
    """Fill the waiting order: close, open, or both by one order with one fee."""
    state, rules = own.state, own.rules
    closing = abs(state[S_HELD]) if state[S_ORDER_CLOSES] != 0.0 else 0.0
    splits = closing > 0.0 and rules[R_SIZING] == AT_FILL  # what is sized at the fill needs the cash of the close
    opening = 0.0 if splits else opening_quantity(own, price)
    if closing + opening == 0.0:
        own.account[A_SKIPPED] += 1.0
        state[S_ORDER_SIDE] = 0.0
        return
    value = notional(price, closing + opening, rules)
    fee = product(value, rules[R_COMMISSION])
    if closing > 0.0 and opening > 0.0:
        opening_fee = part(fee, opening, closing + opening)
        closing_value = notional(price, closing, rules)
        _close(own, i, price, closing_value, fee - opening_fee, SIGNAL_EXIT, when)
        open_position(own, i, price, opening, value - closing_value, opening_fee, when)
    elif closing > 0.0:
        _close(own, i, price, value, fee, SIGNAL_EXIT, when)
        if splits:
            _open_anew(own, i, price, opening_quantity(own, price), when)
    elif opening > 0.0:
        open_position(own, i, price, opening, value, fee, when)
    state[S_ORDER_SIDE], state[S_ORDER_CLOSES] = 0.0, 0.0


@inlined
def _open_anew(own: Own, i: int, price: float, quantity: float, when: int) -> None:
    """Open a position by an order of its own."""
    if quantity > 0.0:
        value = notional(price, quantity, own.rules)
        open_position(own, i, price, quantity, value, product(value, own.rules[R_COMMISSION]), when)


@inlined
def opening_quantity(own: Own, price: float) -> float:
    """Return the quantity that the waiting order opens at a price."""
    state, rules = own.state, own.rules
    if state[S_ORDER_OPEN] == 0.0 or rules[R_SIZING] != AT_FILL:
        return state[S_ORDER_OPEN]
    return affordable(own, price)


@inlined
def affordable(own: Own, price: float) -> float:
    """Return what a share of the cash buys, its fee included."""
    rules, account = own.rules, own.account
    cash = max(account[A_CASH], 0.0) * rules[R_SIZE]
    return on_step(cash / (price * rules[R_CONTRACT] * (1 + rules[R_COMMISSION])), rules)


@inlined
def open_position(own: Own, i: int, price: float, quantity: float, value: float, fee: float, when: int) -> None:
    state, rules, account = own.state, own.rules, own.account
    side = state[S_ORDER_SIDE]
    account[A_CASH] -= side * value + fee
    account[A_FEES] += fee
    state[S_HELD], state[S_ENTRY], state[S_MARK] = side * quantity, price, price
    state[S_ENTRY_BAR], state[S_ENTRY_FEE], state[S_ENTRY_WHEN] = i, fee, when
    state[S_STOP], state[S_TARGET] = state[S_ORDER_STOP], state[S_ORDER_TARGET]
    state[S_PEAK], state[S_TRAILED] = price, 0.0
    if rules[R_TRAIL] > 0.0:
        _trail(state, rules, price)


@inlined
def _close(own: Own, i: int, price: float, value: float, fee: float, reason: int, when: int) -> None:
    state, account, trades = own.state, own.account, own.trades
    held = state[S_HELD]
    side = 1.0 if held > 0.0 else -1.0
    account[A_CASH] += side * value - fee
    account[A_FEES] += fee
    trade = trades[int(account[A_COUNT])]
    trade[0], trade[1], trade[2], trade[3], trade[4] = own.book, side, abs(held), state[S_ENTRY_BAR], i
    trade[5], trade[6], trade[7], trade[8] = state[S_ENTRY], price, state[S_ENTRY_FEE], fee
    trade[9], trade[10], trade[11] = reason, state[S_ENTRY_WHEN], when
    account[A_COUNT] += 1.0
    state[S_HELD], state[S_MARK], state[S_STOP], state[S_TARGET] = 0.0, price, np.nan, np.nan


@inlined
def _trail(state: Floats, rules: Floats, best: float) -> None:
    """Draw the stop after the best price so far; it never goes back."""
    side = 1.0 if state[S_HELD] > 0.0 else -1.0
    if (best - state[S_PEAK]) * side > 0.0:
        state[S_PEAK] = best
    level = nearest(state[S_PEAK] * (1 - side * rules[R_TRAIL]), rules[R_TICK])
    if np.isnan(state[S_STOP]) or (level - state[S_STOP]) * side > 0.0:
        state[S_STOP], state[S_TRAILED] = level, 1.0
