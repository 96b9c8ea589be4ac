"""Which orders and fills a user may see, and which are at work."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from algotrendy.trading.orders import WORKING, OrderStatus
from apps.accounts.models import User
from apps.brokers.models import BrokerKind
from apps.common.gathering import row_known
from apps.common.prepared import Given, Prepared
from apps.marketdata.models import Instrument
from apps.orders.models import Fill, Order, OrderClass, OrderRole, Reconciliation
from apps.portfolio.models import Portfolio
from apps.portfolio.selectors import Scope

PROTECTIVE = (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)
UNSETTLED = (
    Q(status__in=[OrderStatus.PENDING, OrderStatus.SUBMITTED])
    | Q(cancel_requested_at__isnull=False)
    | Q(requested_quantity__isnull=False)
)
"""Working orders on which the venue has yet to be told, or to confirm, what was committed."""


def orders_of(user: User) -> QuerySet[Order]:
    """Return the orders that the user may see: their own, an administrator all."""
    orders = Order.objects.select_related("instrument", "strategy", "portfolio")
    return orders if user.is_admin else orders.filter(owner=user)


def fills_of(user: User) -> QuerySet[Fill]:
    """Return the fills that the user may see."""
    fills = Fill.objects.select_related("order__instrument", "order__portfolio")
    return fills if user.is_admin else fills.filter(order__owner=user)


def reconciliations_of(user: User) -> QuerySet[Reconciliation]:
    """Return the comparisons with venues that the user may see: of their own connections, an administrator all."""
    rows = Reconciliation.objects.select_related("connection")
    return rows if user.is_admin else rows.filter(connection__owner=user)


def working_orders() -> QuerySet[Order]:
    return Order.objects.filter(status__in=WORKING)


def waited_for(order: Order) -> Order | None:
    """Return the order whose fill or end a held order waits for; None where it waits for its trigger, or not at all."""
    if order.status != OrderStatus.HELD:
        return None
    others = (linked(order, "replaces"), linked(order, "parent") if order.order_class == OrderClass.OTO else None)
    return next((other for other in others if other is not None and other.status in WORKING), None)


def linked(order: Order, link: str) -> Order | None:
    """Return the order that another names as its `replaces` or `parent`, as the block of work has changed it."""
    other: Order | None = row_known(Order, getattr(order, f"{link}_id")) or getattr(order, link)
    return other


def linked_orders(order: Order) -> list[tuple[str, Order]]:
    """Return the orders that are linked with this one, each with how, oldest first within each kind."""
    rows = Order.objects.select_related("instrument")
    links: list[tuple[str, QuerySet[Order]]] = [
        ("Waits for" if order.order_class == OrderClass.OTO else "Protects", rows.filter(legs=order)),
        ("Replaces", rows.filter(replaced_by=order)),
        ("Replaced by", rows.filter(replaces=order)),
        ("Triggers" if order.order_class == OrderClass.OTO else "Protected by", rows.filter(parent=order)),
    ]
    if order.oco_group:
        links.append(("Cancels", rows.filter(oco_group=order.oco_group).exclude(pk=order.pk)))
    return [(how, other) for how, others in links for other in others.order_by("created_at", "id")]


def unsettled_orders(instrument: Instrument, scope: Scope) -> list[Order]:
    """Return the scope's orders in the instrument that need a word with the paper venue, oldest first.

    Real venues are told by tasks: nobody's candle waits for them.
    """
    return list(
        working_orders()
        .filter(UNSETTLED, scope.where("portfolio"), instrument=instrument)
        .filter(portfolio__connection__kind=BrokerKind.PAPER)
        .select_related("portfolio__connection", "instrument")
        .order_by("created_at", "id")
    )


def unsettled(order_id: uuid.UUID) -> tuple[str, str] | None:
    """Return the status of a working order that is UNSETTLED, and its venue's kind; None of any other."""
    return next(iter(_UNSETTLED(pk=order_id)), None)


def is_unsettled(order: Order) -> bool:
    """Tell whether an order is one of the UNSETTLED."""
    is_asked = order.cancel_requested_at is not None or order.requested_quantity is not None
    is_new = order.status in (OrderStatus.PENDING, OrderStatus.SUBMITTED)
    return order.status in WORKING and (is_new or is_asked)


def closing_orders(portfolio: Portfolio, instrument_id: int, book: str) -> list[Order]:
    """Return the book's working orders that reduce or flip its position, oldest first; none that wait for others."""
    orders = closing_orders_ever(portfolio, instrument_id, book)
    return [order for order in orders if waited_for(order) is None]


def closing_orders_ever(portfolio: Portfolio, instrument_id: int, book: str) -> list[Order]:
    """Return the same with those that wait for others, and may close or reduce once these have ended."""
    return _CLOSING(portfolio=portfolio.pk, instrument=instrument_id, book=book)


def _closing() -> QuerySet[Order]:
    rows = working_orders().filter(Q(reduce_only=True) | Q(role=OrderRole.FLIP))
    rows = rows.filter(portfolio=Given("portfolio"), instrument=Given("instrument"), book=Given("book"))
    return rows.order_by("created_at", "id")


_UNSETTLED = Prepared(
    lambda: (
        working_orders()
        .filter(UNSETTLED, pk=Given("pk"))
        .order_by()
        .values_list("status", "portfolio__connection__kind")
    )
)
_CLOSING = Prepared(_closing)


def order_told(order: Order) -> dict[str, Any]:
    """Return the order as streams tell it."""
    return {
        "id": str(order.pk),
        "client_order_id": order.client_order_id,
        "symbol": order.instrument.symbol,
        "side": order.side,
        "type": order.type,
        "status": order.status,
        "role": order.role,
        "strategy": order.strategy.name if order.strategy else None,
        "quantity": f"{order.quantity:f}",
        "filled_quantity": f"{order.filled_quantity:f}",
        "average_fill_price": None if order.average_fill_price is None else f"{order.average_fill_price:f}",
        "reason": order.reason,
        "version": order.version,
        "portfolio": str(order.portfolio_id),
        "at": timezone.now().isoformat(),
    }


def orders_told(user: User, most: int) -> list[dict[str, Any]]:
    """Return the newest orders at work that the user may see."""
    rows = orders_of(user).filter(status__in=WORKING, portfolio__is_simulation=False)
    return [order_told(order) for order in rows.order_by("-created_at", "-id")[:most]]
