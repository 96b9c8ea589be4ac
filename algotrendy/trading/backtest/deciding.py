"""What a signal makes of a book: an order, sized, protected and held against the limits; compiled."""

from __future__ import annotations

import numpy as np

from algotrendy.trading.backtest.compiling import inlined
from algotrendy.trading.backtest.filling import affordable, fill_order
from algotrendy.trading.backtest.grid import against, nearest, notional, on_step
from algotrendy.trading.backtest.layout import (
    A_CANCELED,
    A_CASH,
    A_SKIPPED,
    AT_CLOSE,
    AT_FILL,
    DENIALS,
    FIXED,
    L_CONCURRENT,
    L_ENABLED,
    L_EXPOSURE,
    L_LARGEST,
    L_POSITION,
    L_SMALLEST,
    OF_RISK,
    OF_VOLATILITY,
    R_CLOSE_FILLS,
    R_CONTRACT,
    R_LEVELS,
    R_LIMIT,
    R_LIMIT_BARS,
    R_LONGS,
    R_MIN_NOTIONAL,
    R_MOST,
    R_PROTECT,
    R_SHORTS,
    R_SIZE,
    R_SIZING,
    R_STOP,
    R_TARGET,
    R_TICK,
    S_HELD,
    S_MARK,
    S_ORDER_CLOSES,
    S_ORDER_LAST,
    S_ORDER_LIMIT,
    S_ORDER_OPEN,
    S_ORDER_PRICE,
    S_ORDER_SIDE,
    S_ORDER_STOP,
    S_ORDER_TARGET,
    Own,
    Run,
)  # fmt: skip
from algotrendy.trading.candles import Floats


@inlined
def decide(run: Run, own: Own, i: int, action: float, price: float) -> None:
    """Follow a signal against what is held: size, check and keep an order for the next bar.

    Actions of 2 and -2 close what is held against their side, and open nothing.
    """
    state, rules, account = own.state, own.rules, own.account
    side = 1.0 if action > 0.0 else -1.0
    if state[S_ORDER_SIDE] == side:
        return
    if state[S_ORDER_SIDE] != 0.0:
        state[S_ORDER_SIDE] = 0.0
        account[A_CANCELED] += 1.0
    closing, opens = abs(state[S_HELD]), rules[R_LONGS if side > 0.0 else R_SHORTS] != 0.0 and action == side
    if closing == 0.0 and not opens:
        return
    entry = nearest(price * (1 - side * rules[R_LIMIT]), rules[R_TICK]) if rules[R_LIMIT] > 0.0 else price
    opening = _size(run, own, i, side, price, entry) if opens else 0.0
    if not _valid(rules, price, closing, opening):
        account[A_SKIPPED] += 1.0
        return
    if opening > 0.0 and run.limits[L_ENABLED] != 0.0:
        denial = _denial(run, own.book, price, closing, opening)
        if denial >= 0:
            account[DENIALS + denial] += 1.0
            return
    state[S_ORDER_SIDE], state[S_ORDER_CLOSES] = side, 1.0 if closing > 0.0 else 0.0
    state[S_ORDER_OPEN], state[S_ORDER_PRICE], state[S_ORDER_LIMIT] = opening, price, np.nan
    if opening > 0.0 and rules[R_LIMIT] > 0.0:
        state[S_ORDER_LIMIT] = entry
        state[S_ORDER_LAST] = i + rules[R_LIMIT_BARS]
    _protect(run, own, i, side)
    if rules[R_CLOSE_FILLS] != 0.0:
        fill_order(own, i, against(price, side, rules), AT_CLOSE)


@inlined
def _size(run: Run, own: Own, i: int, side: float, price: float, entry: float) -> float:
    """Return the quantity to open; `entry` is where it is to be entered, `price` the close."""
    rules = own.rules
    if rules[R_SIZING] == FIXED:
        return on_step(rules[R_SIZE], rules)
    if rules[R_SIZING] == AT_FILL:
        # What the cash buys is known at the fill; only the limits want a figure before.
        needs = run.limits[L_ENABLED] != 0.0 and own.state[S_HELD] == 0.0
        return affordable(own, price) if needs else 1.0
    if rules[R_SIZING] == OF_RISK:
        return _at_risk(run, own, i, side, entry)
    if rules[R_SIZING] == OF_VOLATILITY:
        sigma = run.sigma[i + run.shift[own.book]]
        return _at_most(run, rules, sigma * price) if sigma > 0.0 else 0.0
    return on_step(max(equity_of(run), 0.0) * rules[R_SIZE] / (price * rules[R_CONTRACT]), rules)


@inlined
def _at_risk(run: Run, own: Own, i: int, side: float, entry: float) -> float:
    """Return so much that leaving at the stop costs the share of the equity; 0 without a stop."""
    rules = own.rules
    stop = _stop(run, own, i, side, entry) if rules[R_PROTECT] != 0.0 else np.nan
    if np.isnan(stop):
        return 0.0
    # Both are prices of 8 decimals, their difference is one too: what is beyond them is the float's noise.
    return _at_most(run, rules, np.rint(abs(entry - stop) * 1e8) / 1e8)


@inlined
def _at_most(run: Run, rules: Floats, loss: float) -> float:
    """Return the share of the equity over what a unit of the underlying may lose, at most what an order may hold."""
    wanted = max(equity_of(run), 0.0) * rules[R_SIZE] / (loss * rules[R_CONTRACT])
    return on_step(min(wanted, rules[R_MOST]), rules)


@inlined
def _valid(rules: Floats, price: float, closing: float, opening: float) -> bool:
    """Return whether there is something to trade, and no more and no less than the instrument takes."""
    if closing + opening == 0.0 or (rules[R_SIZING] != AT_FILL and closing + opening > rules[R_MOST]):
        return False
    least = rules[R_MIN_NOTIONAL]
    return opening == 0.0 or least == 0.0 or notional(price, closing + opening, rules) >= least


@inlined
def _denial(run: Run, book: int, price: float, closing: float, opening: float) -> int:
    """Return which of the account's limits the order breaks, in their fixed order; -1 for none."""
    limits, own = run.limits, run.rules[book]
    equity = equity_of(run)
    exposure, count, here = 0.0, 0, 0.0
    for other in range(len(run.state)):
        state = run.state[other]
        size = run.rules[other, R_CONTRACT]
        value = abs(state[S_HELD]) * state[S_MARK] * size
        promised = state[S_ORDER_OPEN] * state[S_ORDER_PRICE] * size if state[S_ORDER_SIDE] != 0.0 else 0.0
        exposure += value + promised
        count += 1 if value + promised > 0.0 else 0
        here += value + promised if other == book else 0.0
    opened, closed = notional(price, opening, own), notional(price, closing, own)
    slack = 1 + 1e-12  # a figure that equals its limit must not break it by the float's noise
    if (opened + closed) * slack < limits[L_SMALLEST]:
        return 0
    if opened + closed > limits[L_LARGEST] * slack:
        return 1
    if here - closed + opened > equity * limits[L_POSITION] * slack:
        return 2
    if closing == 0.0 and count >= limits[L_CONCURRENT]:
        return 3
    return 4 if exposure - closed + opened > equity * limits[L_EXPOSURE] * slack else -1


@inlined
def _protect(run: Run, own: Own, i: int, side: float) -> None:
    """Set the order's stop and target: the signal's own, else at the default distance, on the grid."""
    state, rules = own.state, own.rules
    state[S_ORDER_STOP], state[S_ORDER_TARGET] = np.nan, np.nan
    if rules[R_PROTECT] == 0.0 or state[S_ORDER_OPEN] == 0.0:
        return
    limit = state[S_ORDER_LIMIT]
    price = run.close[i] if np.isnan(limit) else limit
    own_target = run.target[i + run.shift[own.book]] if rules[R_LEVELS] != 0.0 else np.nan
    state[S_ORDER_STOP] = _stop(run, own, i, side, price)
    state[S_ORDER_TARGET] = _level(own_target, price, side, rules[R_TARGET], rules[R_TICK])


@inlined
def _stop(run: Run, own: Own, i: int, side: float, price: float) -> float:
    """Return the stop of an entry at a price; NaN for none."""
    rules = own.rules
    given = run.stop[i + run.shift[own.book]] if rules[R_LEVELS] != 0.0 else np.nan
    return _level(given, price, -side, rules[R_STOP], rules[R_TICK])


@inlined
def _level(own: float, price: float, direction: float, share: float, tick: float) -> float:
    """Return a protective price; none where the price has passed it already."""
    if np.isnan(own) and share == 0.0:
        return np.nan
    level = nearest(price * (1 + direction * share) if np.isnan(own) else own, tick)
    return level if level > 0.0 and (level - price) * direction > 0.0 else np.nan


@inlined
def equity_of(run: Run) -> float:
    total = run.account[A_CASH]
    for book in range(len(run.state)):
        total += run.state[book, S_HELD] * run.state[book, S_MARK] * run.rules[book, R_CONTRACT]
    return total
