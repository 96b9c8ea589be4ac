"""The short way for the plain case: one book, market orders at the next open, nothing that protects, no limits.

It does what `kernel.run_single` does, to the last bit, with everything that changes in registers instead of rows.
"""

from __future__ import annotations

from algotrendy.trading.backtest.compiling import compiled, inlined
from algotrendy.trading.backtest.grid import against, notional, on_step, part, product
from algotrendy.trading.backtest.layout import (
    A_CASH,
    A_COUNT,
    A_FEES,
    A_SKIPPED,
    AT_FILL,
    AT_OPEN,
    FIXED,
    L_ENABLED,
    R_CLOSE_FILLS,
    R_COMMISSION,
    R_CONTRACT,
    R_LIMIT,
    R_LONGS,
    R_MIN_NOTIONAL,
    R_MOST,
    R_PROTECT,
    R_SHORTS,
    R_SIZE,
    R_SIZING,
    R_TRAIL,
    S_ENTRY,
    S_ENTRY_BAR,
    S_ENTRY_FEE,
    S_ENTRY_WHEN,
    S_HELD,
    S_MARK,
    S_ORDER_CLOSES,
    S_ORDER_OPEN,
    S_ORDER_SIDE,
    SIGNAL_EXIT,
    Run,
)  # fmt: skip
from algotrendy.trading.candles import Floats


def is_plain(run: Run) -> bool:
    """Return whether a run is of the plain case."""
    needs = (R_PROTECT, R_TRAIL, R_LIMIT, R_CLOSE_FILLS)
    if len(run.rules) > 1 or run.limits[L_ENABLED] != 0.0 or run.rules[0, list(needs)].any():
        return False
    if run.rules[0, R_SIZING] > AT_FILL:  # sized by a stop or a volatility
        return False
    return bool(run.action.max(initial=0) <= 1 and run.action.min(initial=0) >= -1)  # nothing that only closes


@compiled
def run_plain(run: Run, trades: Floats, equity: Floats, first: int, start: int) -> int:
    """Trade as `run_single` does; return the bar to go on with where the trades are full, else the number of bars."""
    state, rules, account = run.state[0], run.rules[0], run.account
    opens, closes, actions = run.open, run.close, run.action
    contract, longs, shorts = rules[R_CONTRACT], rules[R_LONGS] != 0.0, rules[R_SHORTS] != 0.0
    held, entry, entry_bar, paid = state[S_HELD], state[S_ENTRY], state[S_ENTRY_BAR], state[S_ENTRY_FEE]
    order, want, cash, fees = state[S_ORDER_SIDE], state[S_ORDER_OPEN], account[A_CASH], account[A_FEES]
    count, skipped, end = int(account[A_COUNT]), account[A_SKIPPED], len(closes)
    for i in range(start, len(closes)):
        close, side = closes[i], actions[i]
        if order != 0.0:
            if count >= len(trades):
                end = i
                break
            price = against(opens[i], order, rules)
            was, was_entry, was_bar, was_paid = held, entry, entry_bar, paid
            held, paid, exit_fee, cash, fees, missed = _filled(rules, held, order, want, price, cash, fees)
            skipped, order = skipped + missed, 0.0
            if was != 0.0:
                _write(trades[count], was, was_bar, i, was_entry, price, was_paid, exit_fee)
                count += 1
            if held != 0.0:
                entry, entry_bar = price, float(i)
        if side != 0 and (side * held < 0.0 or (held == 0.0 and (longs if side > 0 else shorts))):
            want = _wanted(rules, cash, held, close) if (longs if side > 0 else shorts) else 0.0
            if _trades(rules, abs(held), want, close):
                order = float(side)
            else:
                skipped += 1.0
        equity[i - first] = cash + held * close * contract
    state[S_HELD], state[S_ENTRY], state[S_ENTRY_BAR], state[S_ENTRY_FEE] = held, entry, entry_bar, paid
    state[S_ENTRY_WHEN], state[S_MARK] = AT_OPEN, closes[end - 1]
    state[S_ORDER_SIDE], state[S_ORDER_OPEN], state[S_ORDER_CLOSES] = order, want, 1.0 if held != 0.0 else 0.0
    account[A_CASH], account[A_FEES], account[A_COUNT], account[A_SKIPPED] = cash, fees, count, skipped
    return end


@inlined
def _filled(
    rules: Floats, held: float, order: float, want: float, price: float, cash: float, fees: float
) -> tuple[float, float, float, float, float, float]:
    """Return what is held, the fees of entry and exit, cash and all fees after an order; 1 if it came to none."""
    rate, closing = rules[R_COMMISSION], abs(held)
    at_fill = want > 0.0 and rules[R_SIZING] == AT_FILL
    opening, exit_fee, entry_fee = want, 0.0, 0.0
    if closing > 0.0 and (at_fill or want == 0.0):
        value = notional(price, closing, rules)
        exit_fee = product(value, rate)
        cash += -order * value - exit_fee
        fees += exit_fee
        closing = 0.0
    if at_fill:
        opening = on_step(max(cash, 0.0) * rules[R_SIZE] / (price * rules[R_CONTRACT] * (1 + rate)), rules)
    total = closing + opening
    if total > 0.0:
        value = notional(price, total, rules)
        fee = product(value, rate)
        entry_fee = fee
        if closing > 0.0:
            entry_fee = part(fee, opening, total)
            exit_fee, closed = fee - entry_fee, notional(price, closing, rules)
            cash += -order * closed - exit_fee
            fees += exit_fee
            value -= closed
        cash -= order * value + entry_fee
        fees += entry_fee
    missed = 1.0 if held == 0.0 and total == 0.0 else 0.0
    return order * opening, entry_fee, exit_fee, cash, fees, missed


@inlined
def _wanted(rules: Floats, cash: float, held: float, price: float) -> float:
    """Return the quantity to open; what is sized at the fill is told as 1."""
    if rules[R_SIZING] == FIXED:
        return on_step(rules[R_SIZE], rules)
    if rules[R_SIZING] == AT_FILL:
        return 1.0
    worth = cash + held * price * rules[R_CONTRACT]
    return on_step(max(worth, 0.0) * rules[R_SIZE] / (price * rules[R_CONTRACT]), rules)


@inlined
def _trades(rules: Floats, closing: float, opening: float, price: float) -> bool:
    """Return whether there is something to trade, and no more and no less than the instrument takes."""
    if closing + opening == 0.0 or (rules[R_SIZING] != AT_FILL and closing + opening > rules[R_MOST]):
        return False
    least = rules[R_MIN_NOTIONAL]
    return opening == 0.0 or least == 0.0 or notional(price, closing + opening, rules) >= least


@inlined
def _write(
    trade: Floats, held: float, entry_bar: float, bar: int, entry: float, price: float, entry_fee: float, fee: float
) -> None:
    trade[0], trade[1], trade[2] = 0.0, 1.0 if held > 0.0 else -1.0, abs(held)
    trade[3], trade[4], trade[5], trade[6] = entry_bar, bar, entry, price
    trade[7], trade[8], trade[9], trade[10], trade[11] = entry_fee, fee, SIGNAL_EXIT, AT_OPEN, AT_OPEN
