"""A backtest's stored columns as rows and curves for people and programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np

from algotrendy.trading.backtest.results import REASONS, ExitReason
from apps.strategies.arrays import Column, unpacked
from apps.strategies.models import Backtest

type Columns = dict[str, Column]


def curve_of(backtest: Backtest, points: int | None = None) -> Columns:
    """Return time (Unix seconds), equity, cash, held and drawdown, a row for each candle's close.

    With `points` a longer curve keeps its ends and the lowest and highest equity of each stretch.
    """
    columns = unpacked(bytes(backtest.result.curve))
    initial = float(backtest.initial_cash)
    peaks = np.maximum(np.maximum.accumulate(columns["equity"]), initial)
    columns["drawdown"] = 1 - columns["equity"] / peaks
    if points is None or len(columns["time"]) <= points:
        return columns
    rows = telling(columns["equity"], points)
    return {name: column[rows] for name, column in columns.items()}


def trades_of(backtest: Backtest) -> Columns:
    """Return the trades' columns, by the time of their exits."""
    return unpacked(bytes(backtest.result.trades))


def trade_rows(backtest: Backtest, first: int = 0, count: int | None = None) -> list[dict[str, Any]]:
    """Return `count` trades from the number `first` on (0 is the earliest exit), each with its words and times."""
    columns = trades_of(backtest)
    symbols = [book["symbol"] for book in backtest.result.figures["books"]]
    end = len(columns["pnl"]) if count is None else min(first + count, len(columns["pnl"]))
    return [_trade(columns, symbols, row) for row in range(first, end)]


def trade_count(backtest: Backtest) -> int:
    """Return how many trades there are, those still open included."""
    return len(trades_of(backtest)["pnl"])


def trades_csv(backtest: Backtest) -> Iterator[str]:
    """Yield the trades as lines of CSV, the names first."""
    names: list[str] = []
    for row in trade_rows(backtest):
        if not names:
            names = list(row)
            yield _line(names)
        yield _line([value.isoformat() if isinstance(value, datetime) else value for value in row.values()])
    if not names:
        yield _line(["number", "symbol", "side"])


def curve_csv(backtest: Backtest) -> Iterator[str]:
    """Yield the whole curve as lines of CSV, the names first."""
    columns = curve_of(backtest)
    names = ["equity", "cash", "drawdown", "held"]
    yield _line(["time", *names])
    for time, *values in zip(columns["time"].tolist(), *(columns[name].tolist() for name in names), strict=True):
        yield _line([moment(time).isoformat(), *values])


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _trade(columns: Columns, symbols: list[str], row: int) -> dict[str, Any]:
    def figure(name: str) -> float:
        return float(columns[name][row])

    reason = REASONS[int(columns["reason"][row])]
    entered, left = int(columns["entry_time"][row]), int(columns["exit_time"][row])
    return {
        "number": row,
        "symbol": symbols[int(columns["book"][row])],
        "side": "long" if columns["side"][row] > 0 else "short",
        "quantity": figure("quantity"),
        "entry_time": moment(entered),
        "entry_price": figure("entry_price"),
        "exit_time": moment(left),
        "exit_price": figure("exit_price"),
        "exit_reason": reason.value,
        "fees": figure("entry_fee") + (0.0 if reason is ExitReason.STILL_OPEN else figure("exit_fee")),
        "pnl": figure("pnl"),
        "share": figure("share"),
        "mae": figure("mae"),
        "mfe": figure("mfe"),
        "duration_seconds": left - entered,
    }


def telling(values: Column, points: int) -> Column:
    """Return the rows of at most `points` values: the ends, and the lowest and highest of each stretch."""
    edges = np.linspace(0, len(values), max((points - 2) // 2, 1) + 1).astype(int)
    stretches = list(pairwise(edges.tolist()))
    low = [begin + int(values[begin:end].argmin()) for begin, end in stretches]
    high = [begin + int(values[begin:end].argmax()) for begin, end in stretches]
    return np.unique([0, *low, *high, len(values) - 1])


def _line(values: list[Any]) -> str:
    room = io.StringIO()
    csv.writer(room, lineterminator="\n").writerow(values)
    return room.getvalue()
