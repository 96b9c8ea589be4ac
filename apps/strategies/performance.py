"""How a strategy has done live, from what its book of positions holds and held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import accumulate

from algotrendy.trading.values import ZERO
from apps.portfolio.models import Position
from apps.strategies.models import Strategy
from apps.strategies.selectors import positions_in_book

CURVE_POINTS = 1000
"""The newest closed trades that the curve shows, each with the sum of all until it."""


@dataclass(frozen=True, slots=True)
class Point:
    """The sum of all closed trades' profits, net of fees, at the market time at which one closed."""

    at: datetime
    pnl: Decimal


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """What the strategy's trades came to, in the portfolio's currency; a figure that does not exist is None.

    A trade is a position from its opening to its closing. It is won where it made more than its fees. The profit
    factor is what the won trades made over what the others lost, net of fees; None where none lost. `realized_pnl` and
    `unrealized_pnl` are before fees, `net_pnl` is both less all fees.
    """

    closed_trades: int
    open_trades: int
    win_rate: float | None
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    net_pnl: Decimal
    profit_factor: float | None
    average_seconds: float | None
    first_trade_at: datetime | None
    last_trade_at: datetime | None
    curve: list[Point]


def live_figures(strategy: Strategy) -> LiveFigures:
    """Work out how the strategy's trades went; `last_trade_at` is the last opening or closing."""
    positions = list(positions_in_book(strategy))
    closed = sorted((each for each in positions if each.closed_at is not None), key=_closing)
    profits = [each.realized_pnl - each.fees_paid for each in closed]
    realized = sum((each.realized_pnl for each in positions), ZERO)
    unrealized = sum((each.unrealized_pnl for each in positions if each.closed_at is None), ZERO)
    fees = sum((each.fees_paid for each in positions), ZERO)
    times = [time for each in positions for time in (each.opened_at, each.closed_at) if time is not None]
    seconds = [(_closing(each) - each.opened_at).total_seconds() for each in closed]
    return LiveFigures(
        closed_trades=len(closed),
        open_trades=len(positions) - len(closed),
        win_rate=sum(profit > 0 for profit in profits) / len(profits) if profits else None,
        realized_pnl=realized,
        unrealized_pnl=unrealized,
        fees=fees,
        net_pnl=realized + unrealized - fees,
        profit_factor=_profit_factor(profits),
        average_seconds=sum(seconds) / len(seconds) if seconds else None,
        first_trade_at=min(times, default=None),
        last_trade_at=max(times, default=None),
        curve=[Point(_closing(each), sum_) for each, sum_ in zip(closed, accumulate(profits), strict=True)][
            -CURVE_POINTS:
        ],
    )


def _closing(position: Position) -> datetime:
    if position.closed_at is None:
        raise AssertionError("Only closed positions have a closing time.")
    closing: datetime = position.closed_at
    return closing


def _profit_factor(profits: Sequence[Decimal]) -> float | None:
    won = sum((profit for profit in profits if profit > 0), ZERO)
    lost = -sum((profit for profit in profits if profit < 0), ZERO)
    return float(won / lost) if lost else None
