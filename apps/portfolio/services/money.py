"""Portfolios made, locked and marked, and what they were worth written down."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from algotrendy.trading.values import ZERO
from apps.accounts.models import User
from apps.brokers.models import BrokerConnection
from apps.common.events import publish
from apps.common.gathering import gathered, row_known, row_save, rows_keep
from apps.common.prepared import Given, Prepared
from apps.marketdata.models import Instrument
from apps.portfolio.models import EquitySnapshot, Portfolio, Position, RiskProfile
from apps.portfolio.selectors import Scope, equity_with, percent_of, positions_of_each
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
    if (known := row_known(Portfolio, portfolio_id)) is not None:
        return known
    portfolio = _LOCKED.one(pk=portfolio_id)
    rows_keep([portfolio])
    return portfolio


def portfolios_lock(portfolio_ids: Iterable[uuid.UUID]) -> list[Portfolio]:
    """Return these portfolios, locked until the transaction ends, in the order in which everybody locks several."""
    return _kept(_LOCKED_EACH(ids=list(portfolio_ids)))


def account_lock(connection: BrokerConnection) -> list[Portfolio]:
    """Return a connection's portfolios, locked until the transaction ends."""
    return _kept(_LOCKED_AT(connection=connection.pk))


def _kept(portfolios: list[Portfolio]) -> list[Portfolio]:
    rows_keep(portfolios)
    return [row_known(Portfolio, portfolio.pk) or portfolio for portfolio in portfolios]


def _locked(**where: Any) -> Prepared[Portfolio]:
    return Prepared(
        lambda: (
            Portfolio.objects.select_for_update(of=("self",))
            .select_related("connection")
            .filter(**where)
            .order_by("pk")
        )
    )


_LOCKED, _LOCKED_EACH = _locked(pk=Given("pk")), _locked(pk__any=Given("ids"))
_LOCKED_AT = _locked(connection=Given("connection"))


def position_publish(position: Position, portfolio: Portfolio) -> None:
    """Tell of a position; of simulations nobody is told."""
    if portfolio.is_simulation:
        return
    publish("positions", position_told(position), owner_id=portfolio.owner_id)


def positions_lock(connection: BrokerConnection, instrument: Instrument) -> list[Position]:
    """Return a connection's open positions in an instrument, locked until the transaction ends.

    Whoever changes several locks them first and by portfolio and book: marks come without the portfolios' locks.
    """
    positions = _HELD_AT(connection=connection.pk, instrument=instrument.pk)
    rows_keep(positions)
    return positions


_HELD_AT = Prepared(
    lambda: (
        Position.objects.select_for_update(of=("self",))
        .filter(portfolio__connection=Given("connection"), instrument=Given("instrument"), closed_at=None)
        .select_related("instrument")
        .order_by("portfolio_id", "book")
    )
)


@transaction.atomic
def positions_mark(*, instrument: Instrument, price: Decimal, scope: Scope) -> list[Position]:
    """Set the mark price of the scope's open positions in the instrument; return them."""
    positions = list(
        Position.objects.select_for_update(of=("self",))
        .filter(scope.where("portfolio"), instrument=instrument, closed_at__isnull=True)
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
    with gathered():
        portfolios = portfolios_lock(portfolio_ids)
        held = positions_of_each(portfolios)
        snapshots = [_snapshot(portfolio, held[portfolio.pk], at) for portfolio in portfolios]
        EquitySnapshot.objects.bulk_create(
            snapshots,
            update_conflicts=True,
            unique_fields=["portfolio", "at"],
            update_fields=["equity", "cash", "unrealized_pnl", "drawdown_percent"],
        )
        protections_check(equities={shot.portfolio: shot.equity for shot in snapshots}, at=at)
        for shot in snapshots:
            _publish_portfolio(shot)


def _snapshot(portfolio: Portfolio, positions: list[Position], at: datetime) -> EquitySnapshot:
    """Return what the portfolio is worth, not yet saved, and raise its highest worth."""
    equity = equity_with(portfolio, positions)
    if equity > portfolio.peak_equity:
        portfolio.peak_equity = equity
        row_save(portfolio, ["peak_equity"])
    drawdown = percent_of(portfolio.peak_equity - equity, portfolio.peak_equity)
    return EquitySnapshot(
        portfolio=portfolio,
        at=at,
        equity=equity,
        cash=portfolio.cash,
        unrealized_pnl=sum((position.unrealized_pnl for position in positions), ZERO),
        drawdown_percent=min(drawdown, Decimal(1000)),
    )


def _publish_portfolio(shot: EquitySnapshot) -> None:
    portfolio = shot.portfolio
    if portfolio.is_simulation:
        return
    told = portfolio_told(portfolio, shot.equity, shot.unrealized_pnl, shot.at)
    publish("portfolio", told, owner_id=portfolio.owner_id)
