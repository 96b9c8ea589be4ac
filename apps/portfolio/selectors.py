"""What a user's portfolios hold and are worth."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet

from algotrendy.trading.values import ZERO
from apps.accounts.models import User
from apps.common.prepared import Given, Prepared
from apps.portfolio.models import EquitySnapshot, Portfolio, Position

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose portfolios a candle trades: every real one, or a single simulation."""

    portfolio_id: uuid.UUID | None = None

    def where(self, path: str = "") -> Q:
        """Return the filter on rows whose portfolio is at `path` (`"portfolio"`; empty for Portfolio itself)."""
        prefix = f"{path}__" if path else ""
        if self.portfolio_id is None:
            return Q(**{f"{prefix}is_simulation": False})
        return Q(**{f"{prefix}id": self.portfolio_id})


LIVE = Scope()


@dataclass(frozen=True, slots=True)
class PortfolioSummary:
    """A portfolio's worth in its currency; `day_pnl` is over the last day of market time."""

    equity: Decimal
    cash: Decimal
    exposure: Decimal
    unrealized_pnl: Decimal
    realized_pnl: Decimal
    fees_paid: Decimal
    total_return_percent: Decimal
    drawdown_percent: Decimal
    open_positions: int
    day_pnl: Decimal


def portfolios_of(user: User) -> QuerySet[Portfolio]:
    """Return the portfolios that the user may see: their own, an administrator all."""
    portfolios = Portfolio.objects.select_related("owner", "connection")
    return portfolios if user.is_admin else portfolios.filter(owner=user)


def positions_of(user: User) -> QuerySet[Position]:
    """Return the positions, open and closed, that the user may see."""
    positions = Position.objects.select_related("instrument", "portfolio__owner")
    return positions if user.is_admin else positions.filter(portfolio__owner=user)


def equity_of(user: User) -> QuerySet[EquitySnapshot]:
    """Return the equity snapshots that the user may see."""
    snapshots = EquitySnapshot.objects.select_related("portfolio")
    return snapshots if user.is_admin else snapshots.filter(portfolio__owner=user)


def open_positions(portfolio: Portfolio) -> list[Position]:
    """Return what the portfolio holds now, each with its instrument."""
    return positions_of_each([portfolio])[portfolio.pk]


def positions_of_each(portfolios: Iterable[Portfolio]) -> dict[uuid.UUID, list[Position]]:
    """Return what each of the portfolios holds now, by their ids."""
    found: dict[uuid.UUID, list[Position]] = {portfolio.pk: [] for portfolio in portfolios}
    for position in _OPEN(portfolios=list(found)):
        found[position.portfolio_id].append(position)
    return found


def position_held(portfolio: Portfolio, instrument_id: int, book: str) -> Position | None:
    """Return the book's open position in the instrument, or None where it is flat."""
    return _HELD.first(portfolio=portfolio.pk, instrument=instrument_id, book=book)


_OPEN = Prepared(
    lambda: (
        Position.objects.filter(portfolio_id__any=Given("portfolios"), closed_at=None)
        .select_related("instrument")
        .order_by("instrument__symbol", "book")
    )
)
_HELD = Prepared(
    lambda: Position.objects.filter(
        portfolio=Given("portfolio"), instrument=Given("instrument"), book=Given("book"), closed_at=None
    ).select_related("instrument")
)


def equity_with(portfolio: Portfolio, positions: Iterable[Position]) -> Decimal:
    """Return what the portfolio is worth with these, its open positions, at their marks."""
    return sum((position.market_value for position in positions), portfolio.cash)


def portfolio_summary(portfolio: Portfolio) -> PortfolioSummary:
    """Work out what the portfolio is worth at the marks of its open positions."""
    positions = open_positions(portfolio)
    equity = equity_with(portfolio, positions)
    peak = max(portfolio.peak_equity, equity)
    return PortfolioSummary(
        equity=equity,
        cash=portfolio.cash,
        exposure=sum((abs(position.market_value) for position in positions), ZERO),
        unrealized_pnl=sum((position.unrealized_pnl for position in positions), ZERO),
        realized_pnl=portfolio.realized_pnl,
        fees_paid=portfolio.fees_paid,
        total_return_percent=percent_of(equity - portfolio.initial_cash, portfolio.initial_cash),
        drawdown_percent=percent_of(peak - equity, peak),
        open_positions=len(positions),
        day_pnl=equity - _equity_a_day_ago(portfolio),
    )


def _equity_a_day_ago(portfolio: Portfolio) -> Decimal:
    """Return the equity one day of market time before the newest snapshot; the initial cash where there is none."""
    snapshots = EquitySnapshot.objects.filter(portfolio=portfolio)
    newest = snapshots.order_by("-at").values_list("at", flat=True).first()
    if newest is None:
        initial: Decimal = portfolio.initial_cash
        return initial
    before = snapshots.filter(at__lte=newest - DAY).order_by("-at").first()
    equity: Decimal = portfolio.initial_cash if before is None else before.equity
    return equity


def percent_of(part: Decimal, whole: Decimal) -> Decimal:
    """Return the part in percent of the whole, with 4 decimals; 0 where there is no whole."""
    return (part / whole * 100).quantize(Decimal("0.0001")) if whole > 0 else ZERO
