"""Portfolios made, locked and marked, and what they were worth written down."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from algotrendy.trading.values import ZERO
from apps.accounts.models import User
from apps.brokers.models import BrokerConnection
from apps.common.events import publish
from apps.marketdata.models import Instrument
from apps.portfolio.models import EquitySnapshot, Portfolio, Position, RiskProfile
from apps.portfolio.selectors import Scope, equity_with, open_positions, percent_of
from apps.portfolio.services.guarding import protections_check
from apps.portfolio.telling import portfolio_told, position_told


@transaction.atomic
def portfolio_create(
    *,
    owner: User,
    name: str,
    connection: BrokerConnection,
    base_currency: str = "USD",
    initial_cash: Decimal = Decimal(10_000),
    is_simulation: bool = False,
) -> Portfolio:
    """Open a portfolio with its cash and the default limits."""
    portfolio = Portfolio(
        owner=owner,
        name=name,
        connection=connection,
        base_currency=base_currency,
        initial_cash=initial_cash,
        cash=initial_cash,
        peak_equity=initial_cash,
        is_simulation=is_simulation,
    )
    portfolio.full_clean()
    portfolio.save()
    RiskProfile.objects.create(portfolio=portfolio)
    return portfolio


def portfolio_lock(portfolio_id: uuid.UUID) -> Portfolio:
    """Return the portfolio, locked until the transaction ends; always taken before an order's or a position's lock."""
    return Portfolio.objects.select_for_update(of=("self",)).select_related("connection").get(pk=portfolio_id)


def position_publish(position: Position, portfolio: Portfolio) -> None:
    """Tell of a position; of simulations nobody is told."""
    if portfolio.is_simulation:
        return
    publish("positions", position_told(position), owner_id=portfolio.owner_id)


def positions_mark(*, instrument: Instrument, price: Decimal, scope: Scope) -> list[Position]:
    """Set the mark price of the scope's open positions in the instrument; return them."""
    positions = list(
        Position.objects.filter(scope.where("portfolio"), instrument=instrument, closed_at__isnull=True)
        .select_related("portfolio", "instrument")
        .order_by("portfolio_id", "book")
    )
    ids = [position.pk for position in positions]
    if ids:
        Position.objects.filter(pk__in=ids).update(mark_price=price)
    for position in positions:
        position.mark_price = price
        position_publish(position, position.portfolio)
    return positions


@transaction.atomic
def equity_snapshot(*, portfolio_ids: Iterable[uuid.UUID], at: datetime) -> None:
    """Write down what these portfolios are worth at a market time; a second word on it replaces the first."""
    for portfolio_id in sorted(set(portfolio_ids)):
        portfolio = portfolio_lock(portfolio_id)
        positions = open_positions(portfolio)
        unrealized = sum((position.unrealized_pnl for position in positions), ZERO)
        equity = equity_with(portfolio, positions)
        if equity > portfolio.peak_equity:
            portfolio.peak_equity = equity
            portfolio.save(update_fields=["peak_equity"])
        drawdown = percent_of(portfolio.peak_equity - equity, portfolio.peak_equity)
        EquitySnapshot.objects.bulk_create(
            [
                EquitySnapshot(
                    portfolio=portfolio,
                    at=at,
                    equity=equity,
                    cash=portfolio.cash,
                    unrealized_pnl=unrealized,
                    drawdown_percent=min(drawdown, Decimal(1000)),
                )
            ],
            update_conflicts=True,
            unique_fields=["portfolio", "at"],
            update_fields=["equity", "cash", "unrealized_pnl", "drawdown_percent"],
        )
        protections_check(portfolio=portfolio, equity=equity, at=at)
        _publish_portfolio(portfolio, equity, unrealized, at)


def _publish_portfolio(portfolio: Portfolio, equity: Decimal, unrealized: Decimal, at: datetime) -> None:
    if portfolio.is_simulation:
        return
    publish("portfolio", portfolio_told(portfolio, equity, unrealized, at), owner_id=portfolio.owner_id)
