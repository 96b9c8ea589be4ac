"""Holding what a strategy trades live against a backtest of the same candles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import structlog
from django.db import transaction

from algotrendy.trading.backtest.results import Result
from algotrendy.trading.candles import Candles
from algotrendy.trading.errors import TradingError
from algotrendy.trading.values import PositionSide, Timeframe, quantize
from apps.marketdata.selectors import candles_window, source_of
from apps.portfolio.models import EquitySnapshot, Position
from apps.strategies.backtests import Period, strategies_backtest
from apps.strategies.drift import Drift, Trade, drift_of
from apps.strategies.models import Strategy, StrategyPerformance
from apps.strategies.selectors import positions_in_book

log = structlog.get_logger(__name__)
NEWEST = 5000
"""So many candles are compared at most: a second's work."""
KEPT = 90
"""So many comparisons of a strategy are kept."""


class NothingToCompare(TradingError):
    """The strategy has not traded in a way that a backtest could repeat."""

    code = "nothing_to_compare"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The candles that the strategy saw as it is now, having held nothing when the first of them closed."""

    source: str
    candles: Candles
    account: Decimal

    @property
    def start(self) -> datetime:
        return moment(self.candles.time[0])

    @property
    def decides_from(self) -> datetime:
        """When the first candle closed: what is traded from then on comes of these candles."""
        return self.start + self.candles.timeframe.duration

    @property
    def end(self) -> datetime:
        return moment(self.candles.time[-1]) + self.candles.timeframe.duration


def moment(seconds: np.int64) -> datetime:
    return datetime.fromtimestamp(int(seconds), tz=UTC)


def strategy_compare(*, strategy: Strategy) -> StrategyPerformance:
    """Backtest what the strategy saw since it is what it is, and keep how its trades differ.

    The account of the backtest has what the portfolio was worth when the period began, its costs and its limits, and
    the strategy for itself. Raises NothingToCompare where there is no such period, or what the backtest refuses.
    """
    stretch = _stretch(strategy)
    period = Period(stretch.source, stretch.start, stretch.end)
    result = strategies_backtest(
        strategies=[strategy], portfolio=strategy.portfolio, period=period, as_live=True, cash=stretch.account
    )
    drift = drift_of(_live_trades(strategy, stretch), _backtest_trades(result))
    row = _keep(strategy, stretch, drift)
    log.info("strategy_compared", strategy=str(strategy.pk), drift_percent=f"{row.drift_percent:f}")
    return row


@transaction.atomic
def _keep(strategy: Strategy, stretch: Stretch, drift: Drift) -> StrategyPerformance:
    row = StrategyPerformance.objects.create(
        strategy=strategy,
        strategy_version=strategy.version,
        period_start=stretch.start,
        period_end=stretch.end,
        candles=len(stretch.candles),
        live_trades=len(drift.matched) + len(drift.extra),
        backtest_trades=len(drift.matched) + len(drift.missing),
        matched_trades=len(drift.matched),
        matched_share=drift.matched_share,
        live_pnl=drift.live_pnl,
        backtest_pnl=drift.backtest_pnl,
        account=stretch.account,
        drift_percent=drift.percent_of(stretch.account),
        details=drift.details(),
    )
    rows = StrategyPerformance.objects.filter(strategy=strategy).order_by("-computed_at", "-id")
    StrategyPerformance.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[KEPT:])).delete()
    return row


def _stretch(strategy: Strategy) -> Stretch:
    """Return the newest candles of those that the strategy saw as it is now, from a time when it held nothing."""
    source = source_of(strategy.instrument, strategy.timeframe)
    if strategy.running_since is None or strategy.last_run_at is None or source is None:
        raise NothingToCompare(f"{strategy.name} has seen no candle since it was changed or enabled.")
    length = Timeframe(strategy.timeframe).duration
    candles = candles_window(
        instrument=strategy.instrument,
        timeframe=strategy.timeframe,
        source=source,
        until=strategy.last_run_at - length,
        length=NEWEST,
    )
    first = int(candles.time.searchsorted(int((strategy.running_since - length).timestamp())))
    first = _first_without_position(strategy, candles, first)
    if first >= len(candles):
        raise NothingToCompare(f"{strategy.name} still holds the position that it began with, or its candles are gone.")
    stretch = Stretch(source, candles.tail(len(candles) - first), strategy.portfolio.initial_cash)
    account = _account(strategy, stretch.decides_from)
    if account <= 0:
        raise NothingToCompare(f"{strategy.portfolio} was worth nothing when the period began.")
    return Stretch(source, stretch.candles, account)


def _first_without_position(strategy: Strategy, candles: Candles, first: int) -> int:
    """Return the row of the first candle from `first` on at whose close the strategy held nothing of before.

    A position that was held then was traded by another version, or by candles that are not looked at; the backtest
    begins with nothing, on the candle in which that position closed or which gave the signal to close it.
    """
    length = int(candles.timeframe.duration.total_seconds())
    for position in positions_in_book(strategy):
        if first >= len(candles):
            break
        asked = moment(candles.time[first] + length)
        if position.opened_at >= asked:
            break
        if position.closed_at is None:
            return len(candles)
        if position.closed_at > asked:
            first = int(candles.time.searchsorted(position.closed_at.timestamp())) - 1
    return first


def _account(strategy: Strategy, at: datetime) -> Decimal:
    """Return what the portfolio was worth at a market time; its initial cash where nothing had been traded by then."""
    known = EquitySnapshot.objects.filter(portfolio=strategy.portfolio_id, at__lte=at).order_by("-at").first()
    worth: Decimal = strategy.portfolio.initial_cash if known is None else known.equity
    return worth


def _live_trades(strategy: Strategy, stretch: Stretch) -> list[Trade]:
    rows = positions_in_book(strategy).filter(opened_at__gte=stretch.decides_from, opened_at__lt=stretch.end)
    return [_live_trade(position, stretch) for position in rows]


def _live_trade(position: Position, stretch: Stretch) -> Trade:
    candles = stretch.candles
    entered = int(candles.time.searchsorted(position.opened_at.timestamp(), side="right")) - 1
    pnl = position.realized_pnl - position.fees_paid
    if position.closed_at is None:
        close = quantize(Decimal(repr(float(candles.close[-1]))))
        pnl += position.instrument.spec.notional(close, position.quantity) - position.cost_basis
    return Trade(
        entered=moment(candles.time[entered]),
        side=position.side,
        entry_price=position.entry_price,
        quantity=position.max_quantity,
        closed_at=position.closed_at,
        pnl=pnl,
    )


def _backtest_trades(result: Result) -> list[Trade]:
    trades, candles = result.trades, result.books[0].candles
    rows = [
        Trade(
            entered=moment(candles.time[trades.entry_bar[row]]),
            side=(PositionSide.LONG if trades.side[row] > 0 else PositionSide.SHORT).value,
            entry_price=_amount(trades.entry_price[row]),
            quantity=_amount(trades.quantity[row]),
            closed_at=moment(trades.exit_time[row]) if trades.is_closed[row] else None,
            pnl=_amount(trades.pnl[row]),
        )
        for row in range(len(trades))
    ]
    return sorted(rows, key=lambda trade: trade.entered)


def _amount(value: np.float64) -> Decimal:
    return quantize(Decimal(repr(float(value))))
