"""Margin that runs out: first a warning, then a call, at last the platform closes what costs the most."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse

from algotrendy.trading.margin import MarginStage, is_liquidated
from apps.alerts.models import Severity
from apps.alerts.services import Finding, alerts_settle
from apps.common.apart import each_apart
from apps.orders.models import Order, OrderRole
from apps.orders.services.holdings.exiting import position_exit
from apps.orders.services.market.emulating import Seen
from apps.portfolio.margins import MarginUse, borrowers, margin_uses
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import open_positions

LIQUIDATING = "closing a position by force"


def positions_liquidate(*, positions: Iterable[Position], seen: Seen) -> list[Order]:
    """Close by force what the price has brought to its liquidation price or its margin to the limit.

    Of an account's positions the one that loses the most goes first, and one at a time.
    """
    marked = list(positions)
    reached = [each for each in marked if is_liquidated(seen.price, each.liquidation_price, each.state.sign)]
    orders = each_apart(reached, lambda position: _liquidate(position, "liquidation", seen), doing=LIQUIDATING)
    found = each_apart(
        borrowers(marked),
        lambda portfolio: margin_uses(portfolio, open_positions(portfolio)),
        doing="weighing a margin",
    )
    uses = [use for each in found for use in each]
    spent = [use for use in uses if use.stage is MarginStage.CLOSE]
    orders += each_apart(spent, lambda use: _reduce(use, marked, seen), doing=LIQUIDATING)
    if any(use.stage is not MarginStage.FINE for use in uses) or any(orders):
        margin_watch()
    return [order for order in orders if order is not None]


def _uses(portfolio: Portfolio) -> list[MarginUse]:
    return margin_uses(portfolio, open_positions(portfolio))


def _reduce(use: MarginUse, marked: list[Position], seen: Seen) -> Order | None:
    """Close that of the positions that loses the most."""
    worst = min(use.positions, key=lambda position: position.unrealized_pnl)
    is_marked = worst.instrument_id in {each.instrument_id for each in marked}
    return _liquidate(worst, "margin", seen if is_marked else _mark(worst, seen))


def _liquidate(position: Position, cause: str, seen: Seen) -> Order | None:
    return position_exit(position=position, role=OrderRole.LIQUIDATION, cause=cause, seen=seen)


def margin_watch() -> None:
    """Let the alerts about margin be those that there is a cause for now."""
    stages: dict[MarginStage, dict[str, Finding]] = {stage: {} for stage in MarginStage}
    for portfolio in borrowers():
        for use in margin_uses(portfolio, open_positions(portfolio)):
            subject, finding = _finding(portfolio, use)
            stages[use.stage][subject] = finding
    alerts_settle("margin_warning", stages[MarginStage.WARN])
    alerts_settle("margin_call", {**stages[MarginStage.CALL], **stages[MarginStage.CLOSE]})


def _finding(portfolio: Portfolio, use: MarginUse) -> tuple[str, Finding]:
    alone = use.positions[0] if len(use.positions) == 1 else None
    what = f"{alone.side} {alone.instrument} in {portfolio}" if alone else f"the positions of {portfolio}"
    subject = f"position:{alone.pk.hex}" if alone else f"portfolio:{portfolio.pk.hex}"
    is_warning = use.stage is MarginStage.WARN
    does = "The platform closes what loses the most at 90 %" if use.stage is not MarginStage.CLOSE else "It is closed"
    page = "admin:portfolio_position_change" if alone else "admin:portfolio_portfolio_change"
    return subject, Finding(
        f"Margin in use by {what}: {use.percent}. {does}; add money, or close a part.",
        Severity.WARNING if is_warning else Severity.CRITICAL,
        owner_id=portfolio.owner_id,
        page=reverse(page, args=[alone.pk if alone else portfolio.pk]),
    )


def _mark(position: Position, seen: Seen) -> Seen:
    """Return what was last seen of another instrument's price."""
    price = position.entry_price if position.mark_price is None else position.mark_price
    return Seen(price=price, at=seen.at, low=price, high=price, since=seen.at)
