"""Running a backtest: signals over candles become arrays, the compiled code trades them, results come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

import numpy as np

from algotrendy.trading.backtest import layout as at
from algotrendy.trading.backtest.collecting import seconds_of, trades_of, with_open
from algotrendy.trading.backtest.config import BacktestConfig, InvalidBacktest, TradePlan
from algotrendy.trading.backtest.kernel import run_many, run_single
from algotrendy.trading.backtest.packing import Book, Series, limits_of, rules_of, run_of, series_of
from algotrendy.trading.backtest.plain import is_plain, run_plain
from algotrendy.trading.backtest.results import Result, Traded
from algotrendy.trading.candles import Candles, Floats, Times
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.signals import Actions, SignalColumns
from algotrendy.trading.strategies.base import Strategy
from algotrendy.trading.strategies.checking import ask, ask_actions

DENIAL_CODES = (
    "min_order_size", "max_order_size", "max_position_size", "max_concurrent_positions", "max_total_exposure"
)  # fmt: skip


def backtest(
    strategy: Strategy,
    candles: Candles,
    instrument: InstrumentSpec,
    *,
    plan: TradePlan | None = None,
    config: BacktestConfig | None = None,
    start: datetime | None = None,
) -> Result:
    """Trade one strategy on one series; candles that opened before `start` only warm it up."""
    plan = plan or TradePlan()
    signals = signals_of(strategy, candles, plan)
    first = 0 if start is None else int(candles.time.searchsorted(int(start.timestamp())))
    return simulate([Book(candles, signals, instrument, plan, first, strategy.name)], config or BacktestConfig())


def signals_of(strategy: Strategy, candles: Candles, plan: TradePlan) -> SignalColumns | Actions:
    """Return as much of the strategy's signals as the plan looks at; raise InvalidSignals where they are none."""
    if plan.protection.from_signal or plan.min_confidence > 0:
        return ask(strategy, candles)
    return ask_actions(strategy, candles)


def simulate(books: Sequence[Book], config: BacktestConfig) -> Result:
    """Trade the books in one account; raise InvalidBacktest where that makes no sense.

    Bars of several series are merged by their close, then symbol, as live; books of one series in the order given.
    """
    books = sorted(books, key=lambda book: book.key)
    run, series = prepare(books, config)
    state, account = run.state, run.account
    trades, times, equity = _run_one(run, books[0]) if len(books) == 1 else _run_many(run, books, series)
    rows = trades[: int(account[at.A_COUNT])]
    return Result(
        config=config,
        books=tuple(Traded(b.name, b.candles, b.first, float(b.instrument.contract_size)) for b in books),
        bar_time=times,
        bar_seconds=seconds_of(books[0].candles) if len(books) == 1 else 0,
        equity=equity,
        denied={code: int(account[at.DENIALS + k]) for k, code in enumerate(DENIAL_CODES)},
        skipped=int(account[at.A_SKIPPED]),
        canceled=int(account[at.A_CANCELED]),
        fees=float(account[at.A_FEES]),
        collect=lambda: trades_of(with_open(rows, state, run.close, series), books, series),
    )


def prepare(books: Sequence[Book], config: BacktestConfig) -> tuple[at.Run, Series]:
    """Return the arrays of a run that has not begun; the books are in the order of their keys."""
    config.validate()
    _check(books)
    account = np.zeros(at.ACCOUNTS)
    account[at.A_CASH] = float(config.initial_cash)
    state = np.full((len(books), at.STATES), np.nan)
    state[:, [at.S_HELD, at.S_MARK, at.S_ORDER_SIDE, at.S_ORDER_OPEN, at.S_ORDER_CLOSES, at.S_TRAILED]] = 0.0
    rules = np.array([rules_of(book, config) for book in books])
    series = series_of(books)
    return run_of(books, series, state, rules, limits_of(config), account), series


def _check(books: Sequence[Book]) -> None:
    if not books:
        raise InvalidBacktest("There is nothing to trade; give a strategy and its candles.")
    for book in books:
        book.plan.validate()
        if len(book.action) != len(book.candles):
            raise InvalidBacktest(f"{len(book.action)} signals do not fit {len(book.candles)} candles.")
        if book.first >= len(book.candles):
            raise InvalidBacktest(f"No candle of {book.candles.symbol} lies in the period; choose another one.")
    for before, book in pairwise(books):
        if before.key == book.key and not np.array_equal(before.candles.time, book.candles.time):
            raise InvalidBacktest(f"The strategies on {book.candles.symbol} must be given the same candles.")
    keys = {book.key for book in books}
    twice = sorted(symbol for symbol in {key[0] for key in keys} if sum(key[0] == symbol for key in keys) > 1)
    if twice:
        raise InvalidBacktest(f"{twice[0]} is given on two timeframes; an account trades an instrument on one.")


def _run_one(run: at.Run, book: Book) -> tuple[Floats, Times, Floats]:
    """Trade a single book; return trades, and equity at each close."""
    first = book.first
    equity = np.empty(len(book.candles) - first)
    return play_one(run, equity, first), book.candles.time[first:], equity


def play_one(run: at.Run, equity: Floats, first: int) -> Floats:
    """Trade a single book into `equity`; return the trades' rows."""
    play = run_plain if is_plain(run) else run_single
    return run_through(lambda trades, start: play(run, trades, equity, first, start), first, len(run.close))


def run_through(step: Callable[[Floats, int], int], start: int, end: int, room: int = 0) -> Floats:
    """Call the compiled code until it is through, with more room for trades each time; return the rows."""
    trades = np.empty((room or max(1024, (end - start) // 32), at.TRADE_FIELDS))
    while (start := step(trades, start)) < end:
        grown = np.empty((4 * len(trades), at.TRADE_FIELDS))
        grown[: len(trades)] = trades
        trades = grown
    return trades


def _run_many(run: at.Run, books: Sequence[Book], series: Series) -> tuple[Floats, Times, Floats]:
    """Merge the series' bars by close and trade them; return trades, and equity at each distinct close."""
    firsts = [min(book.first for book in books if book.key == (c.symbol, c.timeframe.value)) for c in series.candles]
    closes = np.concatenate([c.time[first:] + seconds_of(c) for c, first in zip(series.candles, firsts, strict=True)])
    flat = np.concatenate(
        [
            np.arange(first, len(c)) + start
            for c, first, start in zip(series.candles, firsts, series.starts, strict=True)
        ]
    )
    which = np.concatenate(
        [np.full(len(c) - f, k) for k, (c, f) in enumerate(zip(series.candles, firsts, strict=True))]
    )
    order = np.lexsort((which, closes))
    steps = np.empty(len(order))
    flat, which, ends = flat[order], which[order], series.books
    trades = run_through(lambda rows, start: run_many(run, rows, steps, flat, which, ends, start), 0, len(order))
    times = closes[order]
    is_last = np.append(times[1:] != times[:-1], True)
    return trades, times[is_last], steps[is_last]
