"""Putting money right after the fact: a fill that was made from an order's state turned out otherwise."""

from __future__ import annotations

from decimal import Decimal

from apps.portfolio.models import Portfolio, Position


def money_correct(*, portfolio: Portfolio, position: Position | None, value: Decimal, fee: Decimal) -> None:
    """Add what a fill brought more (`value`, negative: less) and cost more (`fee`) than was booked.

    The difference counts as realized, so that cash, cost and profit still add up. The caller holds the portfolio's
    lock.
    """
    for row in (portfolio, position):
        if row is not None:
            row.realized_pnl += value
            row.fees_paid += fee
    portfolio.cash += value - fee
    portfolio.save(update_fields=["cash", "realized_pnl", "fees_paid", "updated_at"])
    if position is not None:
        position.save(update_fields=["realized_pnl", "fees_paid", "updated_at"])
