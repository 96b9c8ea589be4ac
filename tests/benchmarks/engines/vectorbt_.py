"""vectorbt."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import talib
import vectorbt as vbt

from tests.benchmarks.engines.market import CASH, FEE, TIE, market, pairs

warnings.filterwarnings("ignore")


def prepare(case):
    columns = market(case["bars"])
    index = pd.to_datetime(columns["time"], unit="s")
    close, opened = pd.Series(columns["close"], index), pd.Series(columns["open"], index)
    size = 1.0 if case["size"] == "one" else np.inf
    if case["rule"] == "sweep":
        return lambda: played(close, opened, *crosses(columns["close"], index), size)
    if case["rule"] == "rsi":
        return lambda: played(close, opened, *reversion(columns["close"], index), size)
    return lambda: played(close, opened, *cross(columns["close"], index), size)


def cross(close, index):
    gap = talib.SMA(close, 10) - talib.SMA(close, 30)
    return pd.Series(gap > TIE * close, index), pd.Series(gap < -TIE * close, index)


def reversion(close, index):
    value = talib.RSI(close, 14)
    return pd.Series(value < 30, index), pd.Series(value > 70, index)


def crosses(close, index):
    averages = {period: talib.SMA(close, period) for period in {period for pair in pairs() for period in pair}}
    gaps = np.column_stack([averages[fast] - averages[slow] for fast, slow in pairs()])
    tie = (TIE * close)[:, None]
    return pd.DataFrame(gaps > tie, index), pd.DataFrame(gaps < -tie, index)


def played(close, opened, entries, exits, size):
    """Trade with whole units at the next open; the final value is asked for, as any user would."""
    portfolio = vbt.Portfolio.from_signals(
        close,
        entries.vbt.signals.fshift(1),
        exits.vbt.signals.fshift(1),
        price=opened,
        size=size,
        size_granularity=1,
        fees=FEE,
        init_cash=CASH,
        freq="1min",
    )
    return portfolio, portfolio.final_value(), portfolio.trades.closed.count()


def tell(result):
    _, final, count = result
    if isinstance(final, pd.Series):
        return {"best": list(pairs()[int(np.argmax(final.to_numpy()))]), "trades": int(count.sum())}
    return {"trades": int(count), "equity": float(final)}
