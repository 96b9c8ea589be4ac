"""Backtests for tests: hand-made bars, signals by hand, an instrument in cents and whole units."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import numpy as np

from algotrendy.trading.backtest.config import UNPROTECTED, BacktestConfig, Sizing, SizingRule, TradePlan
from algotrendy.trading.backtest.engine import simulate
from algotrendy.trading.backtest.packing import Book
from algotrendy.trading.backtest.results import REASONS
from algotrendy.trading.candles import Candles
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.matching import Costs
from algotrendy.trading.signals import SignalColumns
from algotrendy.trading.values import Timeframe

START = datetime(2024, 1, 1, tzinfo=UTC)
FREE = Costs(D(0), D(0))
SPEC = InstrumentSpec("T/USD", "USD", price_tick=D("0.01"), quantity_step=D(1), min_quantity=D(1))
ONE = Sizing(SizingRule.FIXED_QUANTITY, D(1))


def bars(*rows, symbol="T/USD", timeframe=Timeframe.H1, volume=1000.0):
    """Return candles of (open, high, low, close) rows; a single number is a bar that does not move."""
    table = np.array([row if isinstance(row, tuple) else (row,) * 4 for row in rows], dtype=float).T.copy()
    step = int(timeframe.duration.total_seconds())
    time = int(START.timestamp()) + step * np.arange(len(rows), dtype=np.int64)
    return Candles(symbol, timeframe, time, *table, np.full(len(rows), volume))


def columns(actions, *, stop=None, target=None, confidence=1.0):
    """Return signals; stops and targets by bar as {bar: price}."""
    count = len(actions)
    levels = [np.full(count, np.nan), np.full(count, np.nan)]
    for column, given in zip(levels, (stop or {}, target or {}), strict=True):
        for bar, price in given.items():
            column[bar] = price
    return SignalColumns(np.array(actions, dtype=np.int8), np.full(count, confidence), *levels)


def plan(**changes):
    """Return a plan of one unit, long only, unprotected."""
    return replace(TradePlan(sizing=ONE, protection=UNPROTECTED), **changes)


def run(candles, signals, the_plan=None, *, spec=SPEC, cash=1000, **config):
    """Trade one book, without costs unless told."""
    config = BacktestConfig(**{"initial_cash": D(cash), "costs": FREE, **config})
    if isinstance(signals, list):
        signals = np.array(signals, dtype=np.int8)
    return simulate([Book(candles, signals, spec, the_plan or plan())], config)


def told(result):
    """Return the trades as readable rows: side, quantity, bars, prices, reason."""
    t = result.trades
    return [
        (int(t.side[k]), float(t.quantity[k]), int(t.entry_bar[k]), int(t.exit_bar[k]), float(t.entry_price[k]),
         float(t.exit_price[k]), str(REASONS[t.reason[k]]))
        for k in range(len(t))
    ]  # fmt: skip
