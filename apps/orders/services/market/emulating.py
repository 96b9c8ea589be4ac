"""Orders that cannot rest at their venue: the platform watches their price, and sends them once it is there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from algotrendy.trading.instruments import InstrumentSpec
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.triggers import WAITS_FOR_PRICE, WatchedOrder, followed, is_reached
from algotrendy.trading.values import OrderType, Side
from apps.common.apart import each_apart
from apps.marketdata.models import Instrument
from apps.orders import metrics
from apps.orders.models import Order
from apps.orders.selectors import waited_for
from apps.orders.services.holdings.protecting import rests_at_venue
from apps.orders.services.steps.linking import order_trigger
from apps.orders.services.steps.stepping import order_lock, order_step
from apps.portfolio.services import portfolio_lock

AWAITED = Q(status=OrderStatus.HELD, type__in=sorted(WAITS_FOR_PRICE))
"""Held orders that may wait for a price; some of them wait for another order first."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a price: the newest, and between which it was `since` a time."""

    price: Decimal
    at: datetime
    low: Decimal
    high: Decimal
    since: datetime

    def prices_for(self, order: Order) -> list[Decimal]:
        """Return the prices that the order was there for, the newest last."""
        if order.created_at > self.since or self.low == self.high:
            return [self.price]
        return [self.low, self.high, self.price] if order.side == Side.SELL else [self.high, self.low, self.price]


def orders_trigger(*, instrument: Instrument, seen: Seen) -> list[Order]:
    """Let the real portfolios' waiting orders in the instrument see a price; return those that it triggered."""
    rows = Order.objects.filter(AWAITED, instrument=instrument, portfolio__is_simulation=False)
    waiting = rows.order_by("portfolio_id", "created_at", "id").values_list("pk", "portfolio_id")
    found = each_apart(waiting, lambda keys: _see(*keys, seen), doing="watching an order's price")
    return [order for order in found if order is not None]


@transaction.atomic
def _see(order_id: uuid.UUID, portfolio_id: uuid.UUID, seen: Seen) -> Order | None:
    portfolio = portfolio_lock(portfolio_id)
    order = order_lock(order_id)
    order.portfolio = portfolio
    if order.status != OrderStatus.HELD or waited_for(order) is not None:
        return None
    if rests_at_venue(order, is_pair=bool(order.oco_group)):
        return None  # Whoever let it go is about to send it.
    if order.expires_at is not None and seen.at >= order.expires_at:
        order_step(order=order, kind="expired", to=OrderStatus.EXPIRED)
        return None
    watched, reached = _look(_watched(order), seen.prices_for(order), order.instrument.spec)
    order.best_price, order.stop_price = watched.best_price, watched.stop_price
    if reached is not None:
        metrics.count_triggered(order)
        return order_trigger(order=order, detail={"price": f"{reached:f}", "at": seen.at.isoformat()})
    Order.objects.filter(pk=order.pk).update(best_price=watched.best_price, stop_price=watched.stop_price)
    return None


def _look(watched: WatchedOrder, prices: list[Decimal], spec: InstrumentSpec) -> tuple[WatchedOrder, Decimal | None]:
    """Return the order once it has seen the prices, and the one of them that triggered it."""
    for price in prices:
        if is_reached(watched, price):
            return watched, price
        watched = followed(watched, price, spec)
    return watched, None


def _watched(order: Order) -> WatchedOrder:
    return WatchedOrder(
        side=Side(order.side),
        type=OrderType(order.type),
        stop_price=order.stop_price,
        trail_amount=order.trail_amount,
        trail_percent=order.trail_percent,
        best_price=order.best_price,
    )
