"""Everything that changes money: fills, marks, and the making of portfolios."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.positions import PositionState
from algotrendy.trading.values import ZERO, Side, quantize
from apps.accounts.models import User
from apps.brokers.models import BrokerConnection
from apps.common.events import publish
from apps.marketdata.models import Instrument
from apps.portfolio.models import EquitySnapshot, Portfolio, Position, RiskProfile
from apps.portfolio.selectors import Scope, equity_with, open_positions, percent_of, position_held
from apps.portfolio.services.guarding import protections_check
from apps.portfolio.telling import portfolio_told, position_told


@dataclass(frozen=True, slots=True)
class FillOutcome:
    """What a fill did: the position it ended in (closed or open), what it realized, closed and opened."""

    position: Position
    realized: Decimal
    closed: Decimal
    opened: Decimal


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


def fill_apply(
    *,
    portfolio: Portfolio,
    instrument: Instrument,
    book: str,
    side: Side,
    price: Decimal,
    quantity: Decimal,
    fee: Decimal,
    at: datetime,
) -> FillOutcome:
    """Move cash, position and realized profit by one fill; the caller holds the portfolio's lock.

    A fill beyond what is held closes that position's row and opens another on the other side.
    """
    spec = instrument.spec
    value = spec.notional(price, quantity)
    held = position_held(portfolio, instrument.pk, book)
    applied = (held.state if held else PositionState()).apply(side, quantity, value)
    portfolio.cash += -side.sign * value - fee
    portfolio.realized_pnl += applied.realized
    portfolio.fees_paid += fee
    portfolio.save(update_fields=["cash", "realized_pnl", "fees_paid", "updated_at"])
    opening_fee = quantize(fee * applied.opened / quantity)
    if held is not None and applied.closed:
        is_flip = applied.opened > 0
        after = PositionState() if is_flip else applied.after
        _position_reduce(held, after, applied.realized, fee - opening_fee, price, at)
    if applied.opened:
        grows = held if held is not None and not applied.closed else None
        opened = PositionState(side.sign * applied.opened, side.sign * applied.opened_value)
        held = _position_open(grows, opened, portfolio, instrument, book, spec, opening_fee, price, at)
    if held is None:
        raise AssertionError("A fill of a positive quantity always ends in a position.")
    _publish_position(held, portfolio)
    return FillOutcome(held, applied.realized, applied.closed, applied.opened)


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
        _publish_position(position, position.portfolio)
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


def _position_reduce(
    position: Position, after: PositionState, realized: Decimal, fee: Decimal, price: Decimal, at: datetime
) -> None:
    position.quantity = after.quantity
    position.cost_basis = after.cost_basis
    position.realized_pnl += realized
    position.fees_paid += fee
    position.mark_price = price
    if after.quantity == 0:
        position.closed_at = at
    position.save()


def _position_open(
    grows: Position | None,
    opened: PositionState,
    portfolio: Portfolio,
    instrument: Instrument,
    book: str,
    spec: InstrumentSpec,
    fee: Decimal,
    price: Decimal,
    at: datetime,
) -> Position:
    position = grows or Position(portfolio=portfolio, instrument=instrument, book=book, side=opened.side, opened_at=at)
    position.quantity += opened.quantity
    position.cost_basis += opened.cost_basis
    position.entry_price = position.state.average_price(spec.contract_size)
    position.max_quantity = max(position.max_quantity, abs(position.quantity))
    position.fees_paid += fee
    position.mark_price = price
    position.save()
    return position


def _publish_position(position: Position, portfolio: Portfolio) -> None:
    if portfolio.is_simulation:
        return
    publish("positions", position_told(position), owner_id=portfolio.owner_id)


def _publish_portfolio(portfolio: Portfolio, equity: Decimal, unrealized: Decimal, at: datetime) -> None:
    if portfolio.is_simulation:
        return
    publish("portfolio", portfolio_told(portfolio, equity, unrealized, at), owner_id=portfolio.owner_id)
