"""Ending orders and positions at a person's word."""

from __future__ import annotations

import uuid

import structlog
from django.db import transaction

from algotrendy.trading.errors import TradingError
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.values import OrderType, Side
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.common.jobs import enqueue
from apps.orders.models import Order, OrderRole
from apps.orders.services.placing import Origin, order_place
from apps.orders.services.protecting import order_cancel_request
from apps.orders.services.steps import order_lock
from apps.portfolio.models import Position
from apps.portfolio.services import portfolio_lock

log = structlog.get_logger(__name__)


class OrderNotCancelable(TradingError):
    """The order is finished already."""

    code = "order_not_cancelable"


class PositionClosed(TradingError):
    """There is nothing left to close."""

    code = "position_closed"


def order_cancel(*, order: Order, actor: User) -> Order:
    """Ask for the end of an order; asking again changes nothing. Raises OrderNotCancelable for a finished one."""
    with transaction.atomic():
        portfolio_lock(order.portfolio_id)
        order = order_lock(order.pk)
        if not OrderStatus(order.status).is_working:
            raise OrderNotCancelable(f"The order is {order.status} and cannot be canceled any more.")
        order_cancel_request(order=order, code="canceled_by_user", reason=f"Canceled by {actor.get_username()}.")
        audit(Action.ORDER_CANCELED, user=actor, target=order, order=order.summary)
        enqueue("orders.settle", str(order.pk))
    log.info("order_cancel_requested", order=str(order.pk), actor=actor.pk)
    return order


def position_close(*, position: Position, actor: User) -> Order:
    """Close a position by a market order in its own book; its protective orders go with it."""
    if position.closed_at is not None:
        raise PositionClosed("The position is closed already.")
    intent = OrderIntent(
        side=Side.SELL if position.quantity > 0 else Side.BUY,
        type=OrderType.MARKET,
        quantity=abs(position.quantity),
        reduce_only=True,
    )
    placement = order_place(
        portfolio=position.portfolio,
        instrument=position.instrument,
        intent=intent,
        actor=actor,
        client_order_id=f"close-{uuid.uuid4().hex}",
        origin=Origin(book=position.book, role=OrderRole.EXIT),
    )
    audit(Action.POSITION_CLOSED, user=actor, target=position, order=str(placement.order.pk))
    return placement.order
