"""Closing a position at the platform's own word: what is not on its way out already, by one market order at a time."""

from __future__ import annotations

from decimal import Decimal

import structlog
from django.db import transaction

from algotrendy.trading.errors import TradingError
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.values import ZERO, OrderType, Side
from apps.orders.models import Order, OrderRole
from apps.orders.naming import one_id
from apps.orders.selectors import closing_orders
from apps.orders.services.entry.placing import Market, Origin, order_commit
from apps.orders.services.market.emulating import Seen
from apps.orders.services.steps.stepping import send_soon
from apps.portfolio.models import Position
from apps.portfolio.services import portfolio_lock
from apps.strategies.models import Strategy

log = structlog.get_logger(__name__)
TRIES = 5
"""How often the platform tries to end a position for one cause; then it is a person's turn, who is told by alerts."""


def position_exit(*, position: Position, role: OrderRole, cause: str, seen: Seen) -> Order | None:
    """Commit a market order for what no order of this role, nor any market order, is about to close; None for nothing.

    `cause` tells one reason to close the position from another. The order's id follows from position, cause and
    number, so that whoever comes second finds the first one's.
    """
    with transaction.atomic():
        portfolio = portfolio_lock(position.portfolio_id)
        position = Position.objects.select_for_update(of=("self",)).select_related("instrument").get(pk=position.pk)
        position.portfolio = portfolio
        open_quantity = (
            ZERO
            if position.closed_at is not None
            else abs(position.tradable_quantity) - leaving_quantity(position, role)
        )
        if open_quantity <= 0:
            return None
        begin = f"exit-{one_id(position.pk, cause)}-"
        tries = Order.objects.filter(portfolio=portfolio, client_order_id__startswith=begin)
        number = tries.count()
        if number >= TRIES:
            log.error("position_not_closed", position=str(position.pk), cause=cause, tries=number)
            return None
        try:
            order = _commit(position, open_quantity, role, f"{begin}{number}", cause, seen)
        except TradingError as error:
            log.warning("position_not_closed", position=str(position.pk), cause=cause, error=error.message)
            return None
        send_soon(order)
    log.warning("position_exit", position=str(position.pk), cause=cause, order=str(order.pk), price=f"{seen.price:f}")
    return None if order.status == OrderStatus.DENIED else order


def _commit(
    position: Position, quantity: Decimal, role: OrderRole, client_order_id: str, cause: str, seen: Seen
) -> Order:
    placement = order_commit(
        portfolio=position.portfolio,
        instrument=position.instrument,
        intent=OrderIntent(
            side=Side.SELL if position.quantity > 0 else Side.BUY,
            type=OrderType.MARKET,
            quantity=quantity,
            reduce_only=True,
        ),
        market=Market(price=seen.price, at=seen.at),
        client_order_id=client_order_id,
        origin=Origin(book=position.book, role=role, strategy=strategy_of(position), metadata={"cause": cause}),
    )
    return placement.order


def strategy_of(position: Position) -> Strategy | None:
    """Return the strategy whose book the position is in; None for the book of what is placed by hand."""
    return Strategy.objects.filter(portfolio_id=position.portfolio_id, slug=position.book).first()


def leaving_quantity(position: Position, role: OrderRole) -> Decimal:
    """Return how much of the position working orders are to close, of the role or at the market."""
    exit_side = Side.SELL if position.quantity > 0 else Side.BUY
    return sum(
        (
            order.kept_quantity
            for order in closing_orders(position.portfolio, position.instrument_id, position.book)
            if order.side == exit_side and (order.role == role or order.type == OrderType.MARKET)
        ),
        ZERO,
    )
