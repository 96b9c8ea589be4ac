"""Books, rules and limits as the arrays that the compiled code works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from algotrendy.trading.backtest import layout as at
from algotrendy.trading.backtest.config import BacktestConfig, FillAt, SizingRule, TradePlan
from algotrendy.trading.backtest.results import Integers
from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.orders import MAX_QUANTITY
from algotrendy.trading.signals import Actions, Direction, SignalColumns
from algotrendy.trading.sizing import volatility

EMPTY: Floats = np.empty(0)
UNIT = Decimal("0.00000001")
SIZINGS = {
    SizingRule.PERCENT_OF_EQUITY: (at.OF_EQUITY, Decimal("0.01")),
    SizingRule.FIXED_QUANTITY: (at.FIXED, Decimal(1)),
    SizingRule.PERCENT_OF_CASH: (at.AT_FILL, Decimal("0.01")),
    SizingRule.RISK_PERCENT: (at.OF_RISK, Decimal("0.01")),
    SizingRule.VOLATILITY_TARGET: (at.OF_VOLATILITY, Decimal("0.01")),
}


@dataclass(frozen=True, slots=True)
class Book:
    """Signals to trade: a strategy's columns on the candles, or only its actions (1 buy, -1 sell, 0 hold).

    Candles before `first` are history: their signals are not followed.
    """

    candles: Candles
    signals: SignalColumns | Actions
    instrument: InstrumentSpec
    plan: TradePlan = field(default_factory=TradePlan)
    first: int = 0
    name: str = ""

    @property
    def action(self) -> Actions:
        return self.signals.action if isinstance(self.signals, SignalColumns) else self.signals

    @property
    def key(self) -> tuple[str, str]:
        return self.candles.symbol, self.candles.timeframe.value


@dataclass(frozen=True, slots=True)
class Series:
    """The distinct series of the books, laid end to end: where each starts, and which books are on it."""

    candles: tuple[Candles, ...]
    starts: Integers
    of_book: Integers

    @property
    def books(self) -> Integers:
        """The first book of each series, and one past the last."""
        return np.searchsorted(self.of_book, np.arange(len(self.candles) + 1)).astype(np.int64)


def series_of(books: Sequence[Book]) -> Series:
    keys = sorted({book.key for book in books})
    candles = tuple(next(book.candles for book in books if book.key == key) for key in keys)
    lengths = [len(item) for item in candles]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return Series(candles, starts, np.array([keys.index(book.key) for book in books], dtype=np.int64))


def run_of(
    books: Sequence[Book], series: Series, state: Floats, rules: Floats, limits: Floats, account: Floats
) -> at.Run:
    def joined(name: str) -> Floats:
        return _join([getattr(candles, name) for candles in series.candles])

    ends = np.cumsum([0, *(len(book.candles) for book in books[:-1])])
    has_levels = any(_has_levels(book) for book in books)
    return at.Run(
        open=joined("open"),
        high=joined("high"),
        low=joined("low"),
        close=joined("close"),
        action=_join([_action(book, alone=len(books) == 1) for book in books]),
        stop=_join([_levels(book, "stop_loss") for book in books]) if has_levels else EMPTY,
        target=_join([_levels(book, "take_profit") for book in books]) if has_levels else EMPTY,
        sigma=_join([_sigma(book) for book in books]) if any(map(_needs_sigma, books)) else EMPTY,
        shift=(ends - series.starts[series.of_book]).astype(np.int64),
        state=state,
        rules=rules,
        limits=limits,
        account=account,
    )


def _join[T: np.generic](columns: list[npt.NDArray[T]]) -> npt.NDArray[T]:
    """Return one contiguous column; a single one that is so already is not copied."""
    return np.ascontiguousarray(columns[0] if len(columns) == 1 else np.concatenate(columns))


def _action(book: Book, *, alone: bool) -> Actions:
    """Return what to follow: signals that are sure enough; where other books begin earlier, none before the first."""
    action, least = book.action, book.plan.min_confidence
    if isinstance(book.signals, SignalColumns) and least > 0:
        action = np.where(book.signals.confidence >= least, action, np.int8(0))
    if not alone and book.first:
        action = action.copy()
        action[: book.first] = 0
    return action


def _has_levels(book: Book) -> bool:
    return book.plan.protection.from_signal and isinstance(book.signals, SignalColumns)


def _levels(book: Book, name: str) -> Floats:
    return getattr(book.signals, name) if _has_levels(book) else np.full(len(book.candles), np.nan)


def _needs_sigma(book: Book) -> bool:
    return book.plan.sizing.rule is SizingRule.VOLATILITY_TARGET


def _sigma(book: Book) -> Floats:
    if not _needs_sigma(book):
        return np.full(len(book.candles), np.nan)
    seconds = int(book.candles.timeframe.duration.total_seconds())
    return volatility(book.candles.close, book.instrument.bars_per_year(seconds))


def rules_of(book: Book, config: BacktestConfig) -> Floats:
    plan, spec = book.plan, book.instrument
    protection = plan.protection
    sizing, unit = SIZINGS[plan.sizing.rule]
    values: dict[int, Decimal | float] = {
        at.R_LONGS: plan.direction is not Direction.SHORT_ONLY,
        at.R_SHORTS: plan.direction is not Direction.LONG_ONLY,
        at.R_SIZING: sizing,
        at.R_SIZE: plan.sizing.value * unit,
        at.R_TICK: spec.price_tick / UNIT,
        at.R_STEP: spec.quantity_step / UNIT,
        at.R_TICKS: 1 / spec.price_tick,
        at.R_STEPS: 1 / spec.quantity_step,
        at.R_MIN_QUANTITY: spec.min_quantity,
        at.R_MIN_NOTIONAL: spec.min_notional,
        at.R_CONTRACT: spec.contract_size,
        at.R_MOST: MAX_QUANTITY,
        at.R_COMMISSION: config.costs.commission_rate,
        at.R_SLIPPAGE: config.costs.slippage_rate,
        at.R_LEVELS: _has_levels(book),
        at.R_STOP: protection.stop_percent / 100,
        at.R_TARGET: protection.target_percent / 100,
        at.R_TRAIL: protection.trail_percent / 100,
        at.R_LIMIT: plan.entry.limit_percent / 100,
        at.R_LIMIT_BARS: plan.entry.limit_bars,
        at.R_CLOSE_FILLS: config.fill_at is FillAt.CLOSE,
    }
    values[at.R_PROTECT] = protection.from_signal or protection.stop_percent + protection.target_percent > 0
    row = np.zeros(at.RULES)
    row[list(values)] = [float(value) for value in values.values()]
    return row


def limits_of(config: BacktestConfig) -> Floats:
    limits = config.limits
    row = np.zeros(at.LIMITS)
    row[at.L_ENABLED] = limits.enabled
    row[at.L_SMALLEST] = float(limits.min_order_size)
    row[at.L_LARGEST] = np.inf if limits.max_order_size is None else float(limits.max_order_size)
    row[at.L_POSITION] = float(limits.max_position_size_percent / 100)
    row[at.L_CONCURRENT] = limits.max_concurrent_positions
    # Both are shares of equity that all positions and orders together may be worth.
    times = np.inf if limits.max_leverage is None else float(limits.max_leverage)
    row[at.L_EXPOSURE] = min(float(limits.max_total_exposure_percent / 100), times)
    return row
