"""At a spot exchange what protects a holding ties it up: an order that is to sell it waits until there is room."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import ZERO
from apps.brokers.models import MarketType
from apps.common.jobs import enqueue
from apps.orders.models import Order
from apps.orders.selectors import PROTECTIVE, working_orders
from apps.orders.services.holdings.protecting import order_cancel_request
from apps.orders.services.steps.stepping import order_lock
from apps.orders.services.steps.succession import order_shrink
from apps.portfolio.selectors import position_held
from apps.portfolio.services import portfolio_lock

AT_VENUE = (OrderStatus.SUBMITTED, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
AGAIN_AFTER = 1.0
"""Seconds after which an order that waits for room is looked at again."""


def holding_is_tied(order: Order) -> bool:
    """Have the orders that tie up what this one is to sell make room for it; tell whether they have yet to do so.

    They are the reducing orders of its own book, the newest first. What they keep protects the rest of the position;
    should this order come to nothing, the watch on every price goes on with the position's stop.
    """
    connection = order.portfolio.connection
    if connection.is_paper or connection.market_type != MarketType.SPOT:
        return False
    if not order.reduce_only or order.role in PROTECTIVE:
        return False
    return _make_room(order.pk, order.portfolio_id)


@transaction.atomic
def _make_room(order_id: uuid.UUID, portfolio_id: uuid.UUID) -> bool:
    portfolio = portfolio_lock(portfolio_id)
    order = order_lock(order_id)
    held = position_held(portfolio, order.instrument_id, order.book)
    room = abs(held.quantity) if held is not None else ZERO
    tying = _tying(order)
    if order.remaining_quantity + sum((each.remaining_quantity for each in tying), ZERO) <= room:
        return False
    staying = [each for each in tying if each.cancel_requested_at is None]
    too_much = order.remaining_quantity + sum((each.kept_quantity for each in staying), ZERO) - room
    for each in staying:
        too_much -= _give_up(each, min(each.kept_quantity, max(too_much, ZERO)))
    enqueue("orders.settle", str(order.pk), countdown=AGAIN_AFTER)
    return bool(tying)


def _tying(order: Order) -> list[Order]:
    """Return the book's other reducing orders, locked, the newest first: what their venue has, or is about to get.

    A protective order that waits to be sent counts: sent after this one, it would be refused for what that has sold.
    """
    rows = working_orders().filter(
        Q(status__in=AT_VENUE) | Q(status=OrderStatus.PENDING, role__in=PROTECTIVE),
        portfolio_id=order.portfolio_id, instrument_id=order.instrument_id, book=order.book, side=order.side,
        reduce_only=True,
    )  # fmt: skip
    keys = list(rows.exclude(pk=order.pk).order_by("-created_at", "-id").values_list("pk", flat=True))
    return [order_lock(key) for key in keys]


def _give_up(order: Order, quantity: Decimal) -> Decimal:
    """Ask that the order ties up so much less; return how much that is."""
    if quantity == 0:
        return ZERO
    keep = order.kept_quantity - quantity
    if keep > 0:
        order_shrink(order=order, keep=keep)
    else:
        order_cancel_request(order=order, code="makes_room", reason="What it ties up is to be sold.")
        enqueue("orders.settle", str(order.pk))
    return quantity
