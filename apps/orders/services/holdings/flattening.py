"""Flattening: what a halt covers is canceled and closed, whoever dies in between.

Each run does what is left to do. Orders end first: a position is closed once none of its book's orders can trade any
more, so that a stop that fills at the same moment cannot turn it over.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from algotrendy.trading.errors import TradingError
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.values import OrderType, Side
from apps.accounts.models import Action
from apps.accounts.services import audit
from apps.orders.models import Order, OrderRole
from apps.orders.naming import one_id
from apps.orders.selectors import working_orders
from apps.orders.services.entry.halting import PASSES_HALTS
from apps.orders.services.entry.placing import Origin, market_of, order_commit
from apps.orders.services.holdings.protecting import order_cancel_request
from apps.orders.services.steps.stepping import order_lock
from apps.orders.services.venue.settling import order_settle
from apps.portfolio.halting import covers, open_halts
from apps.portfolio.models import Position, TradingHalt
from apps.portfolio.services import portfolio_lock

log = structlog.get_logger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
"""Between two closing orders of one position, where the first came to nothing; it doubles with each."""


def halts_flatten() -> int:
    """Go on with every halt that flattens; return how many orders and positions are left under them."""
    return sum(halt_flatten(halt_id=halt.pk) for halt in open_halts().filter(flatten=True).order_by("created_at"))


def halt_flatten(*, halt_id: uuid.UUID) -> int:
    """Cancel and close what an open halt covers, any number of times; return how many are not yet ended."""
    halt = open_halts().filter(pk=halt_id, flatten=True).first()
    if halt is None:
        return 0
    for order_id in _working(halt).values_list("pk", flat=True):
        _cancel(halt, order_id)
    for position_id in _held(halt).values_list("pk", flat=True):
        try:
            _close(halt, position_id)
        except TradingError as error:
            log.warning("position_not_flattened", position=str(position_id), error=error.message)
    return _working(halt).count() + sum(position.tradable_quantity != 0 for position in _held(halt))


def _working(halt: TradingHalt) -> QuerySet[Order]:
    covered = working_orders().filter(covers(halt)).exclude(role__in=PASSES_HALTS)
    return covered.order_by("created_at", "id")


def _held(halt: TradingHalt) -> QuerySet[Position]:
    return (
        Position.objects.select_related("instrument").filter(covers(halt), closed_at=None).order_by("opened_at", "id")
    )


def _cancel(halt: TradingHalt, order_id: uuid.UUID) -> None:
    """Ask for the order's end, once; where the venue does not answer, the sweep of stray orders asks again."""
    with transaction.atomic():
        portfolio_lock(Order.objects.values_list("portfolio_id", flat=True).get(pk=order_id))
        order = order_lock(order_id)
        if not OrderStatus(order.status).is_working or order.cancel_requested_at is not None:
            return
        order_cancel_request(order=order, code="halt_flatten", reason=f"Canceled by a halt: {halt.reason}")
        audit(Action.ORDER_CANCELED, user=halt.started_by, target=order, order=order.summary, halt=str(halt.pk))
    order_settle(order_id=order_id)


def _close(halt: TradingHalt, position_id: uuid.UUID) -> None:
    with transaction.atomic():
        known = Position.objects.select_related("instrument").get(pk=position_id)
        portfolio = portfolio_lock(known.portfolio_id)
        position = Position.objects.select_related("instrument").get(pk=position_id)
        mine = working_orders().filter(portfolio=portfolio, instrument=position.instrument, book=position.book)
        if not position.tradable_quantity or mine.exists():
            return
        tries = _tries(halt, position)
        if tries and timezone.now() - tries[0].updated_at < min(FIRST_PAUSE * 2 ** len(tries), LONGEST_PAUSE):
            return
        placement = order_commit(
            portfolio=portfolio,
            instrument=position.instrument,
            intent=OrderIntent(
                side=Side.SELL if position.quantity > 0 else Side.BUY,
                type=OrderType.MARKET,
                quantity=abs(position.tradable_quantity),
                reduce_only=True,
            ),
            market=market_of(position.instrument),
            client_order_id=f"{_begin(halt, position)}{len(tries)}",
            origin=Origin(book=position.book, role=OrderRole.FLATTEN),
        )
        order = placement.order
        audit(Action.ORDER_PLACED, user=halt.started_by, target=order, order=order.summary, halt=str(halt.pk))
    order_settle(order_id=order.pk)


def _tries(halt: TradingHalt, position: Position) -> list[Order]:
    """Return the halt's orders that were to close the position, the newest first."""
    rows = Order.objects.filter(portfolio_id=position.portfolio_id, role=OrderRole.FLATTEN)
    return list(rows.filter(client_order_id__startswith=_begin(halt, position)).order_by("-created_at", "-id"))


def _begin(halt: TradingHalt, position: Position) -> str:
    """Return how the ids of the orders begin with which a halt closes a position."""
    return f"fl-{one_id(halt.pk, position.pk.hex)}-"
