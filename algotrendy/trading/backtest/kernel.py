"""The compiled heart: bars and signals in, trades and equity out.

A book is one strategy on one series of bars. Each bar first meets what its books have resting, then marks them, then
shows them its signal; what a signal orders meets the next bar. Prices and quantities are floats on the instrument's
grid, rounded as the exact decimals are; cash, fees and notionals are kept to 8 decimals.
"""

from __future__ import annotations

from algotrendy.trading.backtest.compiling import compiled, inlined
from algotrendy.trading.backtest.deciding import decide, equity_of
from algotrendy.trading.backtest.filling import match_bar
from algotrendy.trading.backtest.layout import (
    A_CASH,
    A_COUNT,
    R_CONTRACT,
    R_LONGS,
    R_SHORTS,
    R_TRAIL,
    S_HELD,
    S_MARK,
    S_ORDER_SIDE,
    S_STOP,
    S_TARGET,
    Own,
    Run,
)  # fmt: skip
from algotrendy.trading.candles import Floats, Times


@compiled
def run_single(run: Run, trades: Floats, equity: Floats, first: int, start: int) -> int:
    """Trade one book on one series, whose first bar is `first`, from bar `start` on.

    Return the bar to go on with where the trades are full, else the number of bars. `equity` gets the account's worth
    at each close; with an empty one only the account is kept.
    """
    state, rules, account = run.state[0], run.rules[0], run.account
    own = Own(state, rules, account, trades, 0)
    opens, highs, lows, closes, actions = run.open, run.high, run.low, run.close, run.action
    keeps, trails, contract = len(equity) > 0, rules[R_TRAIL] > 0.0, rules[R_CONTRACT]
    longs, shorts, room = rules[R_LONGS] != 0.0, rules[R_SHORTS] != 0.0, len(trades) - 2
    # What rarely changes is held apart from the arrays, so that a bar on which nothing happens costs next to nothing.
    held, waits, stop, target, cash = _watched(state, account)
    for i in range(start, len(closes)):
        close, side = closes[i], actions[i]
        if waits or (held != 0.0 and (trails or _touches(held, stop, target, highs[i], lows[i]))):
            if account[A_COUNT] > room:
                return i
            match_bar(own, i, opens[i], highs[i], lows[i])
            held, waits, stop, target, cash = _watched(state, account)
        if side != 0 and (waits or _asks(held, side, longs, shorts)):
            state[S_MARK] = close
            decide(run, own, i, float(side), close)
            held, waits, stop, target, cash = _watched(state, account)
        if keeps:
            equity[i - first] = cash + held * close * contract
    return len(closes)


@inlined
def _watched(state: Floats, account: Floats) -> tuple[float, bool, float, float, float]:
    return state[S_HELD], state[S_ORDER_SIDE] != 0.0, state[S_STOP], state[S_TARGET], account[A_CASH]


@inlined
def _touches(held: float, stop: float, target: float, high: float, low: float) -> bool:
    """Return whether the bar's range reaches the stop or the target."""
    return low <= stop or high >= target if held > 0.0 else high >= stop or low <= target


@inlined
def _asks(held: float, side: int, longs: bool, shorts: bool) -> bool:
    """Return whether a signal asks for a trade: it is against what is held, or opens where nothing is."""
    if held == 0.0:
        return longs if side == 1 else shorts and side == -1
    return side * held < 0.0


@compiled
def run_many(run: Run, trades: Floats, equity: Floats, order: Times, series: Times, books: Times, start: int) -> int:
    """Trade many series in the order of their closes: `order` and `series` name each step's flat bar and series.

    The books of series s are `books[s]` to `books[s + 1]`. `equity` gets the account's worth after each step. Return
    the step to go on with where the trades are full, else the number of steps.
    """
    for k in range(start, len(order)):
        i, begin, end = order[k], books[series[k]], books[series[k] + 1]
        if run.account[A_COUNT] + 2 * (end - begin) > len(trades):
            return k
        for book in range(begin, end):
            if run.state[book, S_HELD] != 0.0 or run.state[book, S_ORDER_SIDE] != 0.0:
                own = Own(run.state[book], run.rules[book], run.account, trades, book)
                match_bar(own, i, run.open[i], run.high[i], run.low[i])
        for book in range(begin, end):
            run.state[book, S_MARK] = run.close[i]
        for book in range(begin, end):
            side, state, rules = run.action[i + run.shift[book]], run.state[book], run.rules[book]
            longs, shorts = rules[R_LONGS] != 0.0, rules[R_SHORTS] != 0.0
            if side != 0 and (state[S_ORDER_SIDE] != 0.0 or _asks(state[S_HELD], side, longs, shorts)):
                decide(run, Own(state, rules, run.account, trades, book), i, float(side), run.close[i])
        equity[k] = equity_of(run)
    return len(order)
