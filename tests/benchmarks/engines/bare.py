"""The limit: a bare compiled loop for this one kind of strategy, over TA-Lib's indicators; no engine around it."""

from __future__ import annotations

import numba
import numpy as np
import talib

from tests.benchmarks.engines.market import CASH, FEE, SPEND, TIE, market, pairs


@numba.njit(cache=True)
def loop(opened, close, above, below, cash, fee, spend, unit, trades, equity):
    held = price = 0.0
    entered = count = want = 0
    for i in range(len(close)):
        if want == 1:
            price, entered = opened[i], i
            held = unit if unit > 0 else np.floor(cash * spend / (price * (1 + fee)))
            cash -= held * price * (1 + fee)
        elif want == -1:
            cash += held * opened[i] * (1 - fee)
            row = trades[count]
            row[0], row[1], row[2], row[3], row[4] = entered, i, held, price, opened[i]
            held, count = 0.0, count + 1
        want = 1 if above[i] and held == 0.0 else -1 if below[i] and held > 0.0 else 0
        equity[i] = cash + held * close[i]
    return count


@numba.njit(cache=True)
def signs(fast, slow, close, tie, above, below):
    for i in range(len(close)):
        gap, least = fast[i] - slow[i], tie * close[i]
        above[i], below[i] = gap > least, gap < -least


def prepare(case):
    columns = market(case["bars"])
    unit = 1.0 if case["size"] == "one" else 0.0
    if case["rule"] == "sweep":
        return lambda: sweep(columns, unit)
    return lambda: once(columns, unit, case["rule"])


def once(columns, unit, rule):
    opened, close = columns["open"], columns["close"]
    above, below = np.empty(len(close), dtype=np.bool_), np.empty(len(close), dtype=np.bool_)
    if rule == "sma":
        signs(talib.SMA(close, 10), talib.SMA(close, 30), close, TIE, above, below)
    else:
        value = talib.RSI(close, 14)
        above, below = value < 30, value > 70
    trades, equity = np.empty((len(close) // 4, 5)), np.empty(len(close))
    count = loop(opened, close, above, below, CASH, FEE, SPEND, unit, trades, equity)
    return trades[:count], equity


def sweep(columns, unit):
    opened, close = columns["open"], columns["close"]
    averages = {period: talib.SMA(close, period) for period in {period for pair in pairs() for period in pair}}
    above, below = np.empty(len(close), dtype=np.bool_), np.empty(len(close), dtype=np.bool_)
    trades, equity = np.empty((len(close) // 4, 5)), np.empty(len(close))
    finals, total = [], 0
    for fast, slow in pairs():
        signs(averages[fast], averages[slow], close, TIE, above, below)
        total += loop(opened, close, above, below, CASH, FEE, SPEND, unit, trades, equity)
        finals.append(equity[-1])
    return finals, total


def tell(result):
    if isinstance(result[0], list):
        return {"best": list(pairs()[int(np.argmax(result[0]))]), "trades": result[1]}
    trades, equity = result
    return {"trades": len(trades), "equity": float(equity[-1])}
