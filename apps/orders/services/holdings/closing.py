"""Ending positions at a person's word: one, a part of one, or all that the filters leave."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from decimal import Decimal

import structlog
from django.db import transaction

from algotrendy.trading.errors import TradingError
from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side
from apps.accounts.models import Action, AuditEvent, User
from apps.accounts.services import audit
from apps.marketdata.models import Instrument
from apps.orders.models import Order, OrderRole
from apps.orders.naming import one_id
from apps.orders.services.entry.placing import Origin, Placement, market_of, order_commit, order_place
from apps.orders.services.entry.repeating import id_reused, known_order
from apps.orders.services.holdings.exiting import strategy_of
from apps.orders.services.steps.stepping import send_soon
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import portfolios_of
from apps.portfolio.services import portfolio_lock

log = structlog.get_logger(__name__)


class PositionClosed(TradingError):
    """There is nothing left to close."""

    code = "position_closed"


class CloseTooLarge(TradingError):
    """More is to be closed than is held."""

    code = "close_too_large"


@dataclass(frozen=True, slots=True)
class NotClosed:
    """A position that could not be closed, and why."""

    position: Position
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Closing:
    """What a request to close positions came to; `is_new` is False where it repeats an earlier one."""

    orders: list[Order]
    failed: list[NotClosed]
    is_new: bool = True


def position_close(
    *, position: Position, actor: User, quantity: Decimal | None = None, client_order_id: str | None = None
) -> Placement:
    """Close a position, or a quantity of it, by a market order in its own book; its protective orders shrink with it.

    The same client order id with the same quantity returns the first order. Raises PositionClosed, CloseTooLarge,
    InvalidOrder, OrderDenied and ClientOrderIdReused.
    """
    metadata = {"closes": str(position.pk), "quantity": "all" if quantity is None else f"{quantity.normalize():f}"}
    if client_order_id and (known := known_order(position.portfolio, client_order_id)) is not None:
        if known.metadata != metadata:
            raise id_reused(client_order_id)
        return Placement(known, is_new=False)
    if position.closed_at is not None:
        raise PositionClosed("The position is closed already.")
    if quantity is not None and quantity > abs(position.quantity):
        raise CloseTooLarge(
            f"The position holds {abs(position.quantity).normalize():f}; close that much or less, "
            f"not {quantity.normalize():f}."
        )
    placement = order_place(
        portfolio=position.portfolio,
        instrument=position.instrument,
        intent=closing_intent(position, quantity),
        actor=actor,
        client_order_id=client_order_id or f"close-{uuid.uuid4().hex}",
        origin=Origin(book=position.book, role=OrderRole.EXIT, strategy=strategy_of(position), metadata=metadata),
    )
    audit(Action.POSITION_CLOSED, user=actor, target=position, order=str(placement.order.pk), **metadata)
    return placement


def positions_close(
    *,
    actor: User,
    key: str,
    portfolio: Portfolio | None = None,
    instrument: Instrument | None = None,
    book: str = "",
) -> Closing:
    """Close every open position that the filters leave, by a market order each, all committed together or none.

    Without a portfolio it is those of the actor's own portfolios, an administrator's too. A key that came before
    returns that request's orders; with other filters it is refused. What cannot be closed is told of and leaves the
    others alone. Raises ClientOrderIdReused.
    """
    asked = {
        "portfolio": str(portfolio.pk) if portfolio else "",
        "symbol": instrument.symbol if instrument else "",
        "book": book,
    }
    digest = hashlib.sha256(f"{actor.pk}:{key}".encode()).hexdigest()[:24]
    with transaction.atomic():
        User.objects.select_for_update(of=("self",)).get(pk=actor.pk)  # The same request at the same moment waits.
        if (known := _known(actor, digest, asked, key)) is not None:
            return known
        closing = _close_all(_positions(actor, portfolio, instrument, book), digest)
        orders = [str(order.pk) for order in closing.orders]
        failed = [{"position": str(each.position.pk), "code": each.code} for each in closing.failed]
        audit(Action.POSITIONS_CLOSED, user=actor, key=digest, filters=asked, orders=orders, failed=failed)
    log.info("positions_closed", actor=actor.pk, orders=len(closing.orders), failed=len(closing.failed), **asked)
    return closing


def closing_intent(position: Position, quantity: Decimal | None = None) -> OrderIntent:
    """Return the market order that ends a position, or takes a quantity from it."""
    return OrderIntent(
        side=Side.SELL if position.quantity > 0 else Side.BUY,
        type=OrderType.MARKET,
        quantity=abs(position.tradable_quantity) if quantity is None else quantity,
        reduce_only=True,
    )


def _positions(actor: User, portfolio: Portfolio | None, instrument: Instrument | None, book: str) -> list[Position]:
    """Return the positions under the locks of their portfolios, which are taken in order."""
    places = portfolios_of(actor).filter(is_simulation=False)
    places = places.filter(owner=actor) if portfolio is None else places.filter(pk=portfolio.pk)
    locked = {pk: portfolio_lock(pk) for pk in places.order_by("pk").values_list("pk", flat=True)}
    rows = Position.objects.filter(portfolio__in=list(locked), closed_at__isnull=True).select_related("instrument")
    rows = rows.filter(instrument=instrument) if instrument else rows
    rows = rows.filter(book=book) if book else rows
    positions = list(rows.order_by("portfolio_id", "instrument__symbol", "book"))
    for position in positions:
        position.portfolio = locked[position.portfolio_id]
    return positions


def _close_all(positions: list[Position], digest: str) -> Closing:
    closing = Closing([], [])
    for position in positions:
        try:
            placement = order_commit(
                portfolio=position.portfolio,
                instrument=position.instrument,
                intent=closing_intent(position),
                market=market_of(position.instrument),
                client_order_id=f"close-{one_id(position.pk, digest)}",
                origin=Origin(book=position.book, role=OrderRole.EXIT, strategy=strategy_of(position)),
            )
        except TradingError as error:
            closing.failed.append(NotClosed(position, error.code, error.message))
            continue
        if placement.order.reason_code:
            closing.failed.append(NotClosed(position, placement.order.reason_code, placement.order.reason))
            continue
        closing.orders.append(placement.order)
        send_soon(placement.order)
    return closing


def _known(actor: User, digest: str, asked: dict[str, str], key: str) -> Closing | None:
    """Return the answer that the key has had before."""
    before = AuditEvent.objects.filter(action=Action.POSITIONS_CLOSED, user_id=actor.pk, details__key=digest).first()
    if before is None:
        return None
    if before.details["filters"] != asked:
        raise id_reused(key)
    orders = Order.objects.filter(pk__in=before.details["orders"]).select_related("instrument", "portfolio")
    places = {each["position"]: each["code"] for each in before.details["failed"]}
    rows = Position.objects.filter(pk__in=list(places)).select_related("instrument", "portfolio")
    failed = [NotClosed(row, places[str(row.pk)], "It could not be closed then.") for row in rows]
    return Closing(list(orders.order_by("created_at", "id")), failed, is_new=False)
