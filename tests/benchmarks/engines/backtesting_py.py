"""backtesting.py."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import talib
from backtesting import Backtest, Strategy

from tests.benchmarks.engines.market import CASH, FEE, SPEND, TIE, market, pairs

warnings.filterwarnings("ignore")


class Cross(Strategy):
    fast, slow, size = 10, 30, SPEND

    def init(self):
        close = np.asarray(self.data.Close, dtype=float)
        gap = talib.SMA(close, self.fast) - talib.SMA(close, self.slow)
        sign = np.where(gap > TIE * close, 1.0, np.where(gap < -TIE * close, -1.0, 0.0))
        self.sign = self.I(lambda: sign)

    def next(self):
        if self.sign[-1] > 0 and not self.position:
            self.buy(size=self.size)
        elif self.sign[-1] < 0 and self.position:
            self.position.close()


class Reversion(Strategy):
    size = SPEND

    def init(self):
        self.value = self.I(lambda: talib.RSI(np.asarray(self.data.Close, dtype=float), 14))

    def next(self):
        if self.value[-1] < 30 and not self.position:
            self.buy(size=self.size)
        elif self.value[-1] > 70 and self.position:
            self.position.close()


def prepare(case):
    columns = market(case["bars"])
    frame = pd.DataFrame(
        {name.capitalize(): columns[name] for name in ("open", "high", "low", "close", "volume")},
        index=pd.to_datetime(columns["time"], unit="s"),
    )
    size = 1 if case["size"] == "one" else SPEND
    rule = Reversion if case["rule"] == "rsi" else Cross

    def play(**parameters):
        # A backtest is made anew each time: it keeps what it has computed.
        return Backtest(frame, rule, cash=CASH, commission=FEE).run(size=size, **parameters)

    if case["rule"] == "sweep":
        return lambda: [play(fast=fast, slow=slow) for fast, slow in pairs()]
    return play


def tell(result):
    if isinstance(result, list):
        finals = [row["Equity Final [$]"] for row in result]
        return {"best": list(pairs()[int(np.argmax(finals))]), "trades": sum(len(row["_trades"]) for row in result)}
    trades = result["_trades"].sort_values("EntryBar")
    columns = ["EntryBar", "ExitBar", "Size", "EntryPrice", "ExitPrice"]
    return {
        "trades": len(trades),
        "equity": float(result["Equity Final [$]"]),
        "rows": [trades[name].astype(float).tolist() for name in columns],
    }
