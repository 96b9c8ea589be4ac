"""Positions whose stop or target the price has reached while no working order stands there: the platform closes them.

Where the protective orders work, be it at the venue or with the platform, they do it themselves. Who cancels a
protective order by hand does not want it, and goes on without.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.urls import reverse

from apps.alerts.models import Severity
from apps.alerts.services import Finding, alerts_settle
from apps.common.apart import each_apart
from apps.orders.models import Order, OrderRole
from apps.orders.services.holdings.exiting import leaving_quantity, position_exit
from apps.orders.services.market.emulating import Seen
from apps.portfolio.models import Position

BY_HAND = "canceled_by_user"
CAUSES = {OrderRole.STOP_LOSS: "stop", OrderRole.TAKE_PROFIT: "target"}


def positions_rescue(*, positions: Iterable[Position], seen: Seen) -> list[Order]:
    """Close those of the marked positions whose unguarded stop or target has been reached; return the orders."""
    orders = each_apart(positions, lambda position: _rescue(position, seen), doing="watching a position's protection")
    return [order for order in orders if order is not None]


def _rescue(position: Position, seen: Seen) -> Order | None:
    role = _reached(position, seen)
    if role is None or not _is_wanted(position, role):
        return None
    level = position.stop_loss if role is OrderRole.STOP_LOSS else position.take_profit
    words = f"{level:f}".rstrip("0").rstrip(".").replace(".", "_")
    return position_exit(position=position, role=role, cause=f"{CAUSES[role]}-{words}", seen=seen)


def protection_watch() -> None:
    """Let the alerts about positions without their protection be those that there is a cause for now."""
    rows = Position.objects.filter(closed_at__isnull=True, portfolio__is_simulation=False)
    protected = rows.filter(Q(stop_loss__isnull=False) | Q(take_profit__isnull=False))
    alerts_settle(
        "position_unprotected",
        {
            f"position:{position.pk.hex}": _finding(position, missing)
            for position in protected.select_related("portfolio", "instrument")
            if (missing := missing_protection(position))
        },
    )


def missing_protection(position: Position) -> dict[OrderRole, Decimal]:
    """Return how much of the position has no working order at its stop, or its target, although nobody canceled one.

    What is on its way out is not missed. A target for a part of the position is enough, a stop is not.
    """
    whole = abs(position.tradable_quantity)
    missing = {}
    if position.stop_loss is not None:
        missing[OrderRole.STOP_LOSS] = whole - leaving_quantity(position, OrderRole.STOP_LOSS)
    if position.take_profit is not None and not leaving_quantity(position, OrderRole.TAKE_PROFIT):
        missing[OrderRole.TAKE_PROFIT] = whole
    least = max(position.instrument.min_quantity, position.instrument.quantity_step)
    return {role: left for role, left in missing.items() if left >= least and _is_wanted(position, role)}


def _finding(position: Position, missing: dict[OrderRole, Decimal]) -> Finding:
    whole = abs(position.tradable_quantity)
    roles = " and the ".join(role.label.lower() for role in missing)
    least = min(missing.values())
    what = f"{position.side} {position.instrument}"
    part = "" if least == whole else f"{least.normalize():f} of {whole.normalize():f} "
    return Finding(
        f"The {roles} of {part}{what} in {position.portfolio} has no working order. The platform closes the position "
        "at that price; set its protection again.",
        Severity.WARNING if part else Severity.CRITICAL,
        owner_id=position.portfolio.owner_id,
        page=reverse("admin:portfolio_position_change", args=[position.pk]),
    )


def _reached(position: Position, seen: Seen) -> OrderRole | None:
    """Return which of the position's prices the newest one has reached: the stop before the target."""
    sign = position.state.sign
    if position.stop_loss is not None and (seen.price - position.stop_loss) * sign <= 0:
        return OrderRole.STOP_LOSS
    if position.take_profit is not None and (seen.price - position.take_profit) * sign >= 0:
        return OrderRole.TAKE_PROFIT
    return None


def _is_wanted(position: Position, role: OrderRole) -> bool:
    newest = _orders_of(position, role).order_by("-created_at", "-id").values_list("reason_code", flat=True).first()
    return newest != BY_HAND


def _orders_of(position: Position, role: OrderRole) -> QuerySet[Order]:
    return Order.objects.filter(
        portfolio_id=position.portfolio_id,
        instrument_id=position.instrument_id,
        book=position.book,
        role=role,
        created_at__gte=position.created_at,
    )
