"""Margin in use: of each isolated position by itself, of all others by the account that stands behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from algotrendy.trading.margin import MarginStage, margin_used, stage_of
from algotrendy.trading.values import ZERO, MarginMode
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import equity_with

BORROWED = Q(quantity__lt=0) | Q(leverage__gt=1) | Q(portfolio__cash__lt=0)
"""Positions that owe something: where a portfolio has none of them its margin cannot run out."""


@dataclass(frozen=True, slots=True)
class MarginUse:
    """How much of what backs some positions their maintenance takes; `used` is None where nothing backs them."""

    positions: list[Position]
    used: Decimal | None

    @property
    def stage(self) -> MarginStage:
        return stage_of(self.used)

    @property
    def percent(self) -> str:
        """The share in words."""
        return "all" if self.used is None else f"{self.used * 100:.0f} %"


def margin_uses(portfolio: Portfolio, positions: Iterable[Position]) -> list[MarginUse]:
    """Return the margin in use of a portfolio with these, its open positions, at their marks.

    First that of the account, where it stands behind any position; isolated ones have taken their collateral, profit
    and loss out of it.
    """
    held = list(positions)
    isolated = [position for position in held if position.margin_mode == MarginMode.ISOLATED]
    crossed = [position for position in held if position.margin_mode != MarginMode.ISOLATED]
    uses = []
    if crossed:
        set_apart = sum((position.backing.backing for position in isolated), ZERO)
        backing = equity_with(portfolio, held) - set_apart
        uses.append(MarginUse(crossed, margin_used([position.backing.value for position in crossed], backing)))
    return uses + [MarginUse([position], position.backing.used) for position in isolated]


def borrowers(positions: Iterable[Position] | None = None) -> list[Portfolio]:
    """Return the real portfolios, or those of these positions, that owe something."""
    rows = Position.objects.filter(BORROWED, closed_at__isnull=True, portfolio__is_simulation=False)
    if positions is not None:
        rows = rows.filter(portfolio__in={position.portfolio_id for position in positions})
    ids = list(rows.order_by().values_list("portfolio_id", flat=True).distinct())
    return list(Portfolio.objects.filter(pk__in=ids).select_related("connection").order_by("pk")) if ids else []
