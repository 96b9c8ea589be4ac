"""The compiled code's rows become trades with times, values and profits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from algotrendy.trading.backtest import layout as at
from algotrendy.trading.backtest.packing import Book, Series
from algotrendy.trading.backtest.results import Integers, Trades
from algotrendy.trading.candles import Candles, Floats, Times


def with_open(rows: Floats, state: Floats, close: Floats, series: Series) -> Floats:
    """Append what is still held, marked at its last close."""
    held = np.flatnonzero(state[:, at.S_HELD])
    last = series.starts[series.of_book] + np.array([len(c) for c in series.candles])[series.of_book] - 1
    still = np.zeros((len(held), at.TRADE_FIELDS))
    for row, book in zip(still, held, strict=True):
        own = state[book]
        row[:5] = book, np.sign(own[at.S_HELD]), abs(own[at.S_HELD]), own[at.S_ENTRY_BAR], last[book]
        row[5:9] = own[at.S_ENTRY], close[last[book]], own[at.S_ENTRY_FEE], 0.0
        row[9:] = at.STILL_OPEN, own[at.S_ENTRY_WHEN], at.AT_CLOSE
    return np.concatenate([rows, still])


def trades_of(rows: Floats, books: Sequence[Book], series: Series) -> Trades:
    """Return the rows as trades, in the order of their exits; bars become indices into each book's own candles."""
    numbers = rows.T
    book, side, entry_bar, exit_bar = (numbers[column].astype(np.int64) for column in (0, 1, 3, 4))
    quantity, entry, exit_, entry_fee, exit_fee = numbers[2], *numbers[5:9]
    reason, entry_moment, exit_moment = numbers[9:].astype(np.int64)
    entry_time = _times(series, entry_bar, entry_moment)
    exit_time = _times(series, exit_bar, exit_moment)
    contract = np.array([float(item.instrument.contract_size) for item in books])[book]
    value = _amounts(entry * quantity * contract)
    pnl = side * (_amounts(exit_ * quantity * contract) - value) - entry_fee - exit_fee
    start = series.starts[series.of_book][book]
    return Trades(
        book, side, quantity, entry_bar - start, exit_bar - start, entry, exit_, entry_fee, exit_fee,
        reason, entry_moment, exit_moment, entry_time, exit_time, value, pnl, pnl / value,
    )  # fmt: skip


def _times(series: Series, bars: Integers, moments: Integers) -> Times:
    """Return when fills on flat bars happened: at the bar's open, else at its close."""
    if len(series.candles) == 1:
        return series.candles[0].time[bars] + (moments != at.AT_OPEN) * seconds_of(series.candles[0])
    times = np.zeros(len(bars), dtype=np.int64)
    which = np.searchsorted(series.starts, bars, side="right") - 1
    for number, candles in enumerate(series.candles):
        mine = which == number
        late = (moments[mine] != at.AT_OPEN) * seconds_of(candles)
        times[mine] = candles.time[bars[mine] - series.starts[number]] + late
    return times


def seconds_of(candles: Candles) -> int:
    """Return the length of a bar."""
    return int(candles.timeframe.duration.total_seconds())


def _amounts(values: Floats) -> Floats:
    return np.rint(values * 1e8) / 1e8
