"""The rest after a streak of stop losses."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby

from algotrendy.trading.protections import Guards
from apps.common.gathering import written
from apps.orders.models import Fill, Order, OrderRole
from apps.portfolio.limiting import guards_of
from apps.portfolio.models import HaltCause, Portfolio, TradingHalt
from apps.portfolio.services import halt_open

LOOKED_AT = 20
"""Fills for each order of a streak: one that was filled in more parts than that hides what came before it."""


def cooldown_check(*, order: Order, at: datetime) -> None:
    """Let the portfolio rest where this stop loss ends a streak of them; the caller holds the portfolio's lock.

    In a row means that nothing else closed between them. The streak begins anew with each rest.
    """
    portfolio = order.portfolio
    if order.role != OrderRole.STOP_LOSS or portfolio.is_simulation:
        return
    written()
    guards = guards_of(portfolio)
    if not guards.cooldown_losses or not guards.cooldown or _streak(portfolio, guards) < guards.cooldown_losses:
        return
    reason = (
        f"{guards.cooldown_losses} stop losses in a row; no position is opened for "
        f"{guards.cooldown.total_seconds():,.0f} s of the market, until {at + guards.cooldown:%Y-%m-%d %H:%M:%S} UTC."
    )
    halt_open(portfolio=portfolio, cause=HaltCause.COOLDOWN, reason=reason, until=at + guards.cooldown)


def _streak(portfolio: Portfolio, guards: Guards) -> int:
    """Return how many of the newest closing orders, at most as many as it takes, were stop losses that lost."""
    closing = Fill.objects.filter(order__portfolio=portfolio).exclude(realized_pnl=0)
    rest = TradingHalt.objects.filter(portfolio=portfolio, cause=HaltCause.COOLDOWN).order_by("-created_at").first()
    if rest is not None:
        closing = closing.filter(created_at__gt=rest.created_at)
    rows = closing.order_by("-created_at", "-id").values_list("order_id", "order__role", "realized_pnl")
    length = 0
    for _, fills in groupby(rows[: guards.cooldown_losses * LOOKED_AT], key=lambda row: row[0]):
        parts = list(fills)
        if parts[0][1] != OrderRole.STOP_LOSS or sum(part[2] for part in parts) >= 0:
            break
        length += 1
        if length == guards.cooldown_losses:
            break
    return length
