"""The seam between configured strategies and the backtest engine: rows become candles, signals and plans."""

from __future__ import annotations

import contextlib
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from traceback import extract_tb

from algotrendy.trading.backtest.config import (
    UNPROTECTED,
    BacktestConfig,
    InvalidBacktest,
    Protection,
    Sizing,
    SizingRule,
    TradePlan,
)
from algotrendy.trading.backtest.engine import simulate
from algotrendy.trading.backtest.honesty import Honesty, Searched, examine
from algotrendy.trading.backtest.metrics import Metrics, measure
from algotrendy.trading.backtest.packing import Book
from algotrendy.trading.backtest.results import Result
from algotrendy.trading.candles import Candles
from algotrendy.trading.errors import TradingError
from algotrendy.trading.matching import Costs
from algotrendy.trading.signals import Direction
from algotrendy.trading.strategies import registry
from algotrendy.trading.strategies.base import Strategy as Rule
from algotrendy.trading.strategies.checking import ask
from algotrendy.trading.strategies.windows import signals_through_window, window_length
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import candles_between
from apps.portfolio.models import Portfolio
from apps.strategies.models import Strategy, TradeSetup
from apps.strategies.setups import market_of, setup_account, setup_plan

type Progress = Callable[[str, int], object]
"""Told the stage that begins, and by how many candles the one at work went on."""


@dataclass(frozen=True, slots=True)
class Period:
    """Which stored candles are traded: start ≤ open time < end, None for the oldest and the newest."""

    source: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Report:
    """A backtest with its figures and what they are worth."""

    rule: Rule
    result: Result
    metrics: Metrics
    honesty: Honesty


class StrategyFailed(TradingError):
    """A rule's own code raised."""

    code = "strategy_failed"


def setup_backtest(
    setup: TradeSetup, instruments: Sequence[Instrument], progress: Progress, searched: Searched | None = None
) -> Report:
    """Trade what a stored backtest asks for."""
    return rule_backtest(
        rule=registry.build(setup.rule, setup.parameters),
        instruments=instruments,
        timeframe=setup.timeframe,
        period=Period(setup.source, setup.start, setup.end),
        plan=setup_plan(setup),
        config=setup_account(setup),
        as_live=setup.as_live,
        progress=progress,
        searched=searched,
    )


def rule_backtest(
    *,
    rule: Rule,
    instruments: Sequence[Instrument],
    timeframe: str,
    period: Period,
    plan: TradePlan,
    config: BacktestConfig,
    as_live: bool = False,
    progress: Progress = lambda stage, done: None,
    searched: Searched | None = None,
) -> Report:
    """Trade one rule on one or several instruments in one account, and report; raises a TradingError.

    `searched` is what else was tried, where the parameters were found by a search.
    """
    loaded = []
    for instrument in instruments:
        progress(f"{instrument} read", 0)
        loaded.append(candles_of(rules=[rule], instrument=instrument, timeframe=timeframe, period=period))
    with blaming(rule):
        books = []
        for instrument, (candles, first) in zip(instruments, loaded, strict=True):
            progress(f"{instrument} signals", 0)
            step = (lambda: progress("", 1)) if as_live else None
            books.append(book_of(rule, instrument, candles, first=first, plan=plan, step=step))
        progress("trades", 0)
        result = simulate(books, config)
        market = market_of(instruments)
        progress("honesty", 0)
        honesty = examine([rule] * len(books), result, market, searched=searched)
        return Report(rule, result, measure(result, market), honesty)


@contextlib.contextmanager
def blaming(rule: Rule) -> Iterator[None]:
    """Turn what the rule's own code raises into a StrategyFailed that names its line; the platform's faults stay."""
    try:
        yield
    except (TradingError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        own = [frame for frame in extract_tb(error.__traceback__) if frame.filename == inspect.getfile(type(rule))]
        if not own or type(error).__module__.startswith(("celery", "billiard")):
            raise
        place = f"{Path(own[-1].filename).name}, line {own[-1].lineno}"
        raise StrategyFailed(f"{rule.name} raised {type(error).__name__}: {error} ({place}).") from error


def candles_of(*, rules: Iterable[Rule], instrument: Instrument, timeframe: str, period: Period) -> tuple[Candles, int]:
    """Return the period's candles after those that live runs of the rules would see before it, and how many these are.

    Raises InvalidBacktest where the period holds none.
    """
    candles = candles_between(
        instrument=instrument,
        timeframe=timeframe,
        source=period.source,
        start=period.start,
        end=period.end,
        before=max(map(window_length, rules)) - 1,
    )
    first = 0 if period.start is None else int(candles.time.searchsorted(int(period.start.timestamp())))
    if first >= len(candles):
        raise InvalidBacktest(
            f"There are no {timeframe} candles of {instrument} from source {period.source} in that period; import them "
            "with manage.py import_candles."
        )
    return candles, first


def book_of(
    rule: Rule,
    instrument: Instrument,
    candles: Candles,
    *,
    first: int,
    plan: TradePlan,
    step: Callable[[], object] | None = None,
) -> Book:
    """Return what the rule says on the candles, ready to be traded.

    With a `step`, which is called for each candle, the rule is asked again on every one through the window that a live
    run sees; else once on the whole history. Raises InvalidSignals where what it says cannot be traded.
    """
    signals = ask(rule, candles) if step is None else signals_through_window(rule, candles, first, step)
    return Book(candles, signals, instrument.spec, plan, first, f"{rule.name} {instrument.symbol}")


def strategies_backtest(
    *, strategies: Iterable[Strategy], portfolio: Portfolio, period: Period, as_live: bool, cash: Decimal | None = None
) -> Result:
    """Backtest configured strategies together in an account like the portfolio: its cash, its costs, its limits.

    `cash` is what the account starts with where that is not the portfolio's initial cash.
    """
    rows: dict[tuple[Instrument, str], list[Strategy]] = defaultdict(list)
    for strategy in sorted(strategies, key=lambda row: row.slug):
        rows[strategy.instrument, strategy.timeframe].append(strategy)
    books = []
    for (instrument, timeframe), together in rows.items():
        rules = [strategy.configured_rule for strategy in together]
        candles, first = candles_of(rules=rules, instrument=instrument, timeframe=timeframe, period=period)
        for strategy, rule in zip(together, rules, strict=True):
            plan = plan_of(strategy, portfolio)
            step = (lambda: None) if as_live else None
            book = book_of(rule, instrument, candles, first=first, plan=plan, step=step)
            books.append(replace(book, name=strategy.slug))
    account = account_of(portfolio)
    return simulate(books, account if cash is None else replace(account, initial_cash=cash))


def plan_of(strategy: Strategy, portfolio: Portfolio) -> TradePlan:
    """Return what the strategy's row makes of its signals."""
    profile = portfolio.risk_profile
    distances = Protection(True, profile.default_stop_loss_percent, profile.default_take_profit_percent)
    return TradePlan(
        direction=Direction(strategy.direction),
        sizing=Sizing(SizingRule(strategy.sizing_mode), strategy.sizing_value),
        protection=distances if strategy.protect else UNPROTECTED,
        min_confidence=strategy.min_confidence,
    )


def account_of(portfolio: Portfolio) -> BacktestConfig:
    """Return an account that starts as the portfolio did."""
    connection = portfolio.connection
    return BacktestConfig(
        initial_cash=portfolio.initial_cash,
        costs=Costs(connection.commission_rate, connection.slippage_rate),
        limits=portfolio.risk_profile.limits,
    )
