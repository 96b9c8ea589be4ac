"""Positions and portfolios as streams tell them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import portfolio_summary, portfolios_of, positions_of


def position_told(position: Position) -> dict[str, Any]:
    """Return the position; with `closed` true it is gone."""
    is_closed = position.closed_at is not None
    return {
        "id": str(position.pk),
        "symbol": position.instrument.symbol,
        "book": position.book,
        "side": position.side,
        "quantity": f"{position.quantity:f}",
        "entry_price": f"{position.entry_price:f}",
        "mark_price": None if position.mark_price is None else f"{position.mark_price:f}",
        "unrealized_pnl": "0" if is_closed else f"{position.unrealized_pnl:f}",
        "realized_pnl": f"{position.realized_pnl:f}",
        "portfolio": str(position.portfolio_id),
        "closed": is_closed,
    }


def portfolio_told(portfolio: Portfolio, equity: Decimal, unrealized: Decimal, at: datetime) -> dict[str, Any]:
    """Return what the portfolio is worth at a time."""
    return {
        "id": str(portfolio.pk),
        "name": portfolio.name,
        "equity": f"{equity:f}",
        "cash": f"{portfolio.cash:f}",
        "unrealized_pnl": f"{unrealized:f}",
        "realized_pnl": f"{portfolio.realized_pnl:f}",
        "at": at.isoformat(),
    }


def positions_told(user: User, most: int) -> list[dict[str, Any]]:
    """Return the open positions that the user may see."""
    rows = positions_of(user).filter(closed_at=None, portfolio__is_simulation=False)
    return [position_told(position) for position in rows[:most]]


def portfolios_told(user: User, most: int) -> list[dict[str, Any]]:
    """Return the portfolios that the user may see, at their last marks."""
    rows = portfolios_of(user).filter(is_simulation=False)[:most]
    found = [(portfolio, portfolio_summary(portfolio)) for portfolio in rows]
    return [portfolio_told(each, at.equity, at.unrealized_pnl, timezone.now()) for each, at in found]
