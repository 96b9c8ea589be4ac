"""The seam between configured strategies and the backtest engine: rows become candles, signals and plans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

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
from algotrendy.trading.backtest.honesty import Honesty, examine
from algotrendy.trading.backtest.metrics import Market, Metrics, measure
from algotrendy.trading.backtest.packing import Book
from algotrendy.trading.backtest.results import Result
from algotrendy.trading.candles import Candles
from algotrendy.trading.matching import Costs
from algotrendy.trading.signals import Direction
from algotrendy.trading.strategies.base import Strategy as Rule
from algotrendy.trading.strategies.windows import signals_through_window, window_length
from apps.marketdata.models import AssetType, Instrument
from apps.marketdata.selectors import candles_between
from apps.portfolio.models import Portfolio
from apps.strategies.models import Strategy

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
) -> Report:
    """Trade one rule on one or several instruments in one account, and report; raises a TradingError."""
    loaded = []
    for instrument in instruments:
        progress(f"{instrument} read", 0)
        loaded.append(candles_of(rules=[rule], instrument=instrument, timeframe=timeframe, period=period))
    books = []
    for instrument, (candles, first) in zip(instruments, loaded, strict=True):
        progress(f"{instrument} signals", 0)
        books.append(
            book_of(
                rule=rule,
                instrument=instrument,
                candles=candles,
                first=first,
                plan=plan,
                as_live=as_live,
                progress=lambda: progress("", 1),
            )
        )
    progress("trades", 0)
    result = simulate(books, config)
    market = market_of(instruments)
    progress("honesty", 0)
    return Report(rule, result, measure(result, market), examine([rule] * len(books), result, market))


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
    *,
    rule: Rule,
    instrument: Instrument,
    candles: Candles,
    first: int,
    plan: TradePlan,
    as_live: bool = False,
    progress: Callable[[], object] = lambda: None,
) -> Book:
    """Return what the rule says on the candles, ready to be traded.

    `as_live` asks it again on every candle, through the window that a live run sees; else once on the whole history.
    """
    signals = signals_through_window(rule, candles, first, progress) if as_live else rule.signals(candles)
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
            book = book_of(rule=rule, instrument=instrument, candles=candles, first=first, plan=plan, as_live=as_live)
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


def market_of(instruments: Iterable[Instrument]) -> Market:
    """Return how the market counts a year: without a pause where all are coins, else by the sessions there were."""
    coins = all(instrument.asset_type == AssetType.CRYPTOCURRENCY for instrument in instruments)
    return Market.CONTINUOUS if coins else Market.SESSIONS
