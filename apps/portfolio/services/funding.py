"""Funding: what a short position pays for being one, every 8 hours of market time."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from algotrendy.trading.margin import funding_due, funding_times
from algotrendy.trading.values import ZERO
from apps.common.gathering import row_save
from apps.marketdata.models import Instrument
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import Scope
from apps.portfolio.services.money import portfolio_lock


def funding_charge(*, instrument: Instrument, price: Decimal, at: datetime, scope: Scope) -> set[uuid.UUID]:
    """Let the scope's shorts in the instrument pay what is due by a market time; return the portfolios that paid.

    A time that was paid for is never paid for again. Connections without a rate pay nothing.
    """
    shorts = Position.objects.filter(
        scope.where("portfolio"),
        instrument=instrument,
        closed_at__isnull=True,
        quantity__lt=0,
        portfolio__connection__funding_rate__gt=0,
    )
    places = sorted(set(shorts.order_by().values_list("portfolio_id", flat=True)))
    return {place for place in places if _charge(place, instrument, price, at)}


@transaction.atomic
def _charge(portfolio_id: uuid.UUID, instrument: Instrument, price: Decimal, at: datetime) -> bool:
    portfolio = portfolio_lock(portfolio_id)
    shorts = Position.objects.filter(
        portfolio=portfolio, instrument=instrument, closed_at__isnull=True, quantity__lt=0
    ).select_related("instrument")
    paid = [
        funding_settle(portfolio=portfolio, position=position, price=price, at=at)
        for position in shorts.select_for_update(of=("self",)).order_by("book")
    ]
    return any(paid)


def funding_settle(*, portfolio: Portfolio, position: Position, price: Decimal, at: datetime) -> Decimal:
    """Take from the cash what a short owes through a market time, at this price; return it.

    The caller holds the portfolio's lock. What a position owes counts from the time after its first fill.
    """
    rate = portfolio.connection.funding_rate
    if rate <= 0 or position.quantity >= 0:
        return ZERO
    times = funding_times(position.funded_through or position.opened_at, at)
    if not times:
        return ZERO
    due = funding_due(abs(position.instrument.spec.notional(price, position.quantity)), rate, len(times))
    portfolio.cash -= due
    portfolio.funding_paid += due
    row_save(portfolio, ["cash", "funding_paid", "updated_at"])
    position.funding_paid += due
    position.funded_through = times[-1]
    row_save(position, ["funding_paid", "funded_through", "updated_at"])
    return due
