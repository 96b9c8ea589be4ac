"""Ending orders and positions at a person's word."""

from __future__ import annotations

import uuid

import structlog
from django.db import transaction
from django.db.models import QuerySet

from algotrendy.trading.errors import TradingError
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import Side
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.common.jobs import enqueue
from apps.marketdata.models import Instrument
from apps.orders import metrics
from apps.orders.models import Order
from apps.orders.selectors import orders_of, working_orders
from apps.orders.services.holdings.protecting import order_cancel_request
from apps.orders.services.steps.stepping import order_lock
from apps.portfolio.models import Portfolio
from apps.portfolio.services import portfolio_lock
from apps.strategies.models import Strategy

log = structlog.get_logger(__name__)


class OrderNotCancelable(TradingError):
    """The order is finished already."""

    code = "order_not_cancelable"


def order_cancel(*, order: Order, actor: User) -> Order:
    """Ask for the end of an order; asking again changes nothing. Raises OrderNotCancelable for a finished one."""
    with transaction.atomic():
        portfolio_lock(order.portfolio_id)
        order = order_lock(order.pk)
        if not OrderStatus(order.status).is_working:
            raise OrderNotCancelable(f"The order is {order.status} and cannot be canceled any more.")
        order = _request(order, actor)
        audit(Action.ORDER_CANCELED, user=actor, target=order, order=order.summary)
    metrics.count_cancels(1)
    log.info("order_cancel_requested", order=str(order.pk), actor=actor.pk)
    return order


def orders_cancel(
    *,
    actor: User,
    portfolio: Portfolio | None = None,
    instrument: Instrument | None = None,
    strategy: Strategy | None = None,
    side: Side | None = None,
    of_all: bool = False,
) -> list[Order]:
    """Ask for the end of every working order that the filters leave; return those that were asked to end, newest first.

    Without a portfolio or strategy it is the actor's own orders, with `of_all` those of everybody whom they may see.
    Protective orders end with the others. Asking again changes nothing.
    """
    rows = working_orders().filter(portfolio__is_simulation=False)
    is_own = portfolio is None and strategy is None and not of_all
    rows = rows.filter(owner=actor) if is_own else rows
    wanted = {"portfolio": portfolio, "instrument": instrument, "strategy": strategy, "side": side}
    narrowed = {name: value for name, value in wanted.items() if value is not None}
    rows = rows.filter(pk__in=orders_of(actor).values("pk"), **narrowed)
    places = sorted(set(rows.values_list("portfolio_id", flat=True)))
    asked = [order for place in places for order in _cancel_all(rows, place, actor)]
    asked.sort(key=lambda order: (order.created_at, order.pk), reverse=True)
    told = {name: str(getattr(value, "pk", value)) for name, value in narrowed.items()}
    audit(Action.ORDERS_CANCELED, user=actor, count=len(asked), filters=told)
    metrics.count_cancels(len(asked))
    log.info("orders_cancel_requested", count=len(asked), actor=actor.pk, **told)
    return asked


@transaction.atomic
def _cancel_all(rows: QuerySet[Order], portfolio_id: uuid.UUID, actor: User) -> list[Order]:
    """Ask for the end of a portfolio's orders, successors before those whose end would let them go."""
    portfolio_lock(portfolio_id)
    asked = []
    keys = rows.filter(portfolio_id=portfolio_id).order_by("-created_at", "-id").values_list("pk", flat=True)
    for key in list(keys):
        order = order_lock(key)
        if OrderStatus(order.status).is_working:
            asked.append(_request(order, actor))
    return asked


def _request(order: Order, actor: User) -> Order:
    reason = f"Canceled by {actor.get_username()}."
    order = order_cancel_request(order=order, code="canceled_by_user", reason=reason)
    if OrderStatus(order.status).is_working:
        enqueue("orders.settle", str(order.pk))
    return order
