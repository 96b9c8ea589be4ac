"""What a backtest came to, in figures.

Shares, not percent: 0.1 is 10 %. A figure that does not exist (no trade, no loss, no variance) is NaN, an endless one
(gains and no loss) inf. Deviations are those of a sample (n - 1). The risk-free rate is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

import numpy as np

from algotrendy.trading.backtest.curves import (
    Month,
    Underwater,
    begin_of,
    buy_and_hold,
    drawdowns,
    months,
    underwater_periods,
)  # fmt: skip
from algotrendy.trading.backtest.results import REASONS, ExitReason, Result, Trades
from algotrendy.trading.candles import Floats

YEAR = 365.25 * 86_400
NAN = float("nan")


class Market(StrEnum):
    """What a year holds: bars without a pause, or as many as the exchange's sessions gave in the period."""

    CONTINUOUS = "continuous"
    SESSIONS = "sessions"


@dataclass(frozen=True, slots=True)
class Performance:
    """The equity curve's figures; `max_drawdown_seconds` is the longest time below a peak."""

    final_equity: float
    total_return: float
    annual_return: float
    volatility: float
    sharpe: float
    sortino: float
    calmar: float
    max_drawdown: float
    max_drawdown_seconds: int
    exposure: float
    periods_per_year: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Against buying and holding: alpha is Jensen's, a year; correlation and beta are of the bars' returns."""

    buy_and_hold_return: float
    alpha: float
    beta: float
    correlation: float


@dataclass(frozen=True, slots=True)
class TradeFigures:
    """The closed trades' figures, in the account's currency where no share is named."""

    count: int
    still_open: int
    win_rate: float
    profit_factor: float
    expectancy: float
    sqn: float
    average_win: float
    average_loss: float
    largest_win: float
    largest_loss: float
    most_wins_in_a_row: int
    most_losses_in_a_row: int
    average_seconds: float
    average_share: float
    average_mae: float
    average_mfe: float
    fees: float


@dataclass(frozen=True, slots=True)
class ReasonFigures:
    reason: ExitReason
    count: int
    pnl: float
    win_rate: float


@dataclass(frozen=True, slots=True)
class Metrics:
    performance: Performance
    comparison: Comparison
    trades: TradeFigures
    reasons: tuple[ReasonFigures, ...]
    months: tuple[Month, ...]
    underwater: tuple[Underwater, ...]


def measure(result: Result, market: Market) -> Metrics:
    """Return all figures of a run."""
    from algotrendy.trading.backtest.excursions import excursions  # loads the compiler, which the words need not

    time, begin, initial = result.time, begin_of(result), result.initial_cash
    per_year = periods_per_year(result, market)
    periods = underwater_periods(time, result.equity, initial, begin)
    returns = returns_of(result.equity, initial)
    worst, best = excursions(result)
    return Metrics(
        performance=_performance(result, returns, per_year, periods, (int(time[-1]) - begin) / YEAR),
        comparison=_comparison(returns, buy_and_hold(result), initial, per_year),
        trades=_trades(result.trades.closed, worst, best, result),
        reasons=_reasons(result.trades),
        months=tuple(months(time, result.equity, initial)),
        underwater=tuple(periods),
    )


def periods_per_year(result: Result, market: Market) -> float:
    """Return how many of the equity curve's points make a year."""
    if market is Market.CONTINUOUS and result.bar_seconds:
        return YEAR / result.bar_seconds
    return len(result.equity) / ((int(result.time[-1]) - begin_of(result)) / YEAR)


def returns_of(equity: Floats, initial: float) -> Floats:
    """Return each point's return on the one before, the first one's on the initial cash."""
    before = np.concatenate([[initial], equity[:-1]])
    return np.divide(equity, before, out=np.ones(len(equity)), where=before > 0) - 1


def ratio(mean: float, spread: float) -> float:
    """Return a mean over its spread; NaN without a spread."""
    return mean / spread if spread > 0 else NAN


def _performance(
    result: Result, returns: Floats, per_year: float, periods: list[Underwater], years: float
) -> Performance:
    growth = result.final_equity / result.initial_cash
    annual = float(np.power(growth, 1 / years)) - 1 if growth > 0 else -1.0
    spread = _deviation(returns)
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0) ** 2)))
    deepest = float(drawdowns(result.equity, result.initial_cash).max(initial=0.0))
    mean, root = float(returns.mean()), per_year**0.5
    return Performance(
        final_equity=result.final_equity,
        total_return=growth - 1,
        annual_return=annual,
        volatility=spread * root,
        sharpe=ratio(mean, spread) * root,
        sortino=ratio(mean, downside) * root,
        calmar=ratio(annual, deepest),
        max_drawdown=deepest,
        max_drawdown_seconds=max((period.seconds for period in periods), default=0),
        exposure=exposure(result),
        periods_per_year=per_year,
    )


def exposure(result: Result) -> float:
    """Return the share of the points at which something was held."""
    time, trades = result.time, result.trades
    steps = np.zeros(len(time) + 1)
    closed = trades.is_closed
    np.add.at(steps, np.searchsorted(time, result.closes(trades.entry_bar)), 1)
    np.add.at(steps, np.searchsorted(time, result.closes(trades.exit_bar)[closed]), -1)
    return float(np.mean(np.cumsum(steps[:-1]) > 0))


def _comparison(returns: Floats, held: Floats, initial: float, per_year: float) -> Comparison:
    market = returns_of(held, initial)
    variance = float(np.var(market, ddof=1)) if len(market) > 1 else 0.0
    if variance == 0:
        return Comparison(float(held[-1] / initial - 1), NAN, NAN, NAN)
    covariance = float(np.cov(returns, market, ddof=1)[0, 1])
    beta = covariance / variance
    return Comparison(
        buy_and_hold_return=float(held[-1] / initial - 1),
        alpha=(float(returns.mean()) - beta * float(market.mean())) * per_year,
        beta=beta,
        correlation=ratio(covariance, _deviation(returns) * variance**0.5),
    )


def _trades(closed: Trades, worst: Floats, best: Floats, result: Result) -> TradeFigures:
    pnl, is_closed = closed.pnl, result.trades.is_closed
    wins, losses = pnl[pnl > 0], pnl[pnl < 0]
    lost = -float(losses.sum())
    gained = float(wins.sum())
    runs = [(key, len(list(group))) for key, group in groupby(np.sign(pnl).tolist())]
    return TradeFigures(
        count=len(closed),
        still_open=len(result.trades) - len(closed),
        win_rate=_mean(pnl > 0),
        profit_factor=gained / lost if lost else (float("inf") if gained else NAN),
        expectancy=_mean(pnl),
        sqn=ratio(_mean(pnl), _deviation(pnl)) * len(pnl) ** 0.5,
        average_win=_mean(wins),
        average_loss=_mean(losses),
        largest_win=float(wins.max()) if len(wins) else NAN,
        largest_loss=float(losses.min()) if len(losses) else NAN,
        most_wins_in_a_row=max((length for key, length in runs if key > 0), default=0),
        most_losses_in_a_row=max((length for key, length in runs if key < 0), default=0),
        average_seconds=_mean(closed.exit_time - closed.entry_time),
        average_share=_mean(closed.share),
        average_mae=_mean(worst[is_closed]),
        average_mfe=_mean(best[is_closed]),
        fees=result.fees,
    )


def _reasons(trades: Trades) -> tuple[ReasonFigures, ...]:
    found = []
    for number, reason in enumerate(REASONS):
        pnl = trades.pnl[trades.reason == number]
        if len(pnl):
            found.append(ReasonFigures(reason, len(pnl), float(pnl.sum()), _mean(pnl > 0)))
    return tuple(found)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else NAN


def _deviation(values: Floats) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0
