"""Amending an order: another comes in its place once the venue has confirmed its end, never two of them at once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from dataclasses import replace as changed
from decimal import Decimal
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from algotrendy.trading.errors import InvalidOrder, TradingError
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.risk import Approved, Denied
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.common.jobs import enqueue
from apps.orders import metrics
from apps.orders.models import Order
from apps.orders.selectors import waited_for
from apps.orders.services.entry.admitting import tradable_require
from apps.orders.services.entry.exposure import risk_check
from apps.orders.services.entry.placing import Market, OrderDenied, Placement, market_of, order_deny
from apps.orders.services.entry.repeating import asked_of, id_reused, known_order, plain
from apps.orders.services.holdings.protecting import order_cancel_request
from apps.orders.services.steps.releasing import intent_again
from apps.orders.services.steps.stepping import order_begin, order_lock, order_step
from apps.orders.services.steps.succession import successor_build, successor_waiting
from apps.portfolio.services import portfolio_lock

log = structlog.get_logger(__name__)


class OrderNotReplaceable(TradingError):
    """The order is finished, or is ending already."""

    code = "order_not_replaceable"


@dataclass(frozen=True, slots=True)
class Amendment:
    """What is to be different; None leaves a figure as it is. `quantity` counts what the order has filled already."""

    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None

    @property
    def prices(self) -> dict[str, Decimal]:
        """The new prices; a trail by amount is no longer one by percent, and the other way round."""
        names = ("limit_price", "stop_price", "trail_amount", "trail_percent")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def total(self, order: Order) -> Decimal:
        """Return the quantity that is wanted in all."""
        wanted: Decimal = order.quantity if self.quantity is None else self.quantity
        return wanted

    @property
    def asked(self) -> dict[str, str]:
        wanted = {} if self.quantity is None else {"quantity": plain(self.quantity)}
        return {**wanted, **{name: plain(price) for name, price in self.prices.items()}}


def order_replace(
    *,
    order: Order,
    actor: User,
    quantity: Decimal | None = None,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    trail_amount: Decimal | None = None,
    trail_percent: Decimal | None = None,
    client_order_id: str | None = None,
) -> Placement:
    """Commit an order in the place of this one and ask for the end of this one; return the new one, held.

    Once the venue has confirmed the end, the new order is for `quantity` less what this one has filled, and is sent;
    where that is nothing, or this one was filled first, it is canceled with the reason. An order that was never sent
    is replaced at once. The same client order id with the same changes returns the first answer. Raises InvalidOrder,
    OrderDenied (this order is left as it is), OrderNotReplaceable and ClientOrderIdReused.
    """
    amendment = Amendment(quantity, limit_price, stop_price, trail_amount, trail_percent)
    market = market_of(order.instrument)
    client_order_id = client_order_id or uuid.uuid4().hex
    try:
        placement = _replace(order, amendment, market, client_order_id, actor)
    except IntegrityError:
        # The same id came at the same moment for another portfolio, and was quicker: it is known now.
        placement = _replace(order, amendment, market, client_order_id, actor)
    successor = placement.order
    log.info("order_replaced", order=str(order.pk), by=str(successor.pk), status=successor.status, actor=actor.pk)
    if successor.status == OrderStatus.DENIED:
        raise OrderDenied(successor)
    return placement


def replacement_check(
    *,
    order: Order,
    quantity: Decimal | None = None,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    trail_amount: Decimal | None = None,
    trail_percent: Decimal | None = None,
) -> Denied | None:
    """Return why the risk check would deny the replacement, None where it would not; raise what else stands against it.

    Nothing is written; the check is made again, under the locks, when the order is replaced.
    """
    amendment = Amendment(quantity, limit_price, stop_price, trail_amount, trail_percent)
    market = market_of(order.instrument)
    _require_replaceable(order, amendment)
    tradable_require(portfolio=order.portfolio, instrument=order.instrument)
    decision = _decide(order, _intent(order, amendment, amendment.total(order), market), market)
    return decision if isinstance(decision, Denied) else None


@transaction.atomic
def _replace(order: Order, amendment: Amendment, market: Market, client_order_id: str, actor: User) -> Placement:
    portfolio = portfolio_lock(order.portfolio_id)
    order = order_lock(order.pk)
    order.portfolio = portfolio
    if (known := known_order(portfolio, client_order_id)) is not None:
        asked = asked_of(known)
        if (asked.get("replaces"), asked.get("asked")) != (str(order.pk), amendment.asked):
            raise id_reused(client_order_id)
        return Placement(known, is_new=False)
    _require_replaceable(order, amendment)
    tradable_require(portfolio=portfolio, instrument=order.instrument)
    total = amendment.total(order)
    intent = _intent(order, amendment, total, market)
    decision = _decide(order, intent, market)
    successor = _build(order, amendment, total, market, client_order_id)
    metrics.count_order(successor)
    detail = {"replaces": str(order.pk), "asked": amendment.asked}
    action = Action.ORDER_DENIED if isinstance(decision, Denied) else Action.ORDER_REPLACED
    if isinstance(decision, Denied):
        successor.status, successor.replaces, successor.risk = OrderStatus.PENDING, None, decision.figures
        order_begin(order=successor, detail={**detail, "risk": decision.code, **decision.figures})
        order_deny(order=successor, denied=decision)
    else:
        _take_place(successor, order, detail)
    audit(action, user=actor, target=successor, order=successor.summary, replaces=str(order.pk), **amendment.asked)
    successor.refresh_from_db()
    return Placement(successor, is_new=True)


def _decide(order: Order, intent: OrderIntent, market: Market) -> Approved | Denied:
    """Return what the risk check says; what waits for the fill of another is checked when that has come."""
    other = waited_for(order)
    if other is not None and other.pk == order.parent_id:
        return Approved()
    return risk_check(
        portfolio=order.portfolio,
        instrument=order.instrument,
        book=order.book,
        intent=intent,
        market_price=market.price,
        instead_of=order,
    )


def _take_place(successor: Order, order: Order, detail: dict[str, Any]) -> None:
    """Put the successor behind the order, or behind the one that this order itself waits for."""
    before = order.replaces
    if order.status == OrderStatus.HELD and before is not None and before == waited_for(order):
        order.replaces = None
        order_step(order=order, kind="replaced", detail={"by": str(successor.pk)})
        successor.replaces = before
    waits_for = "its predecessor's end" if successor.replaces is not None else ""
    order_begin(order=successor, detail={**detail, "risk": "approved", "waits_for": waits_for})
    order_cancel_request(order=order, code="replaced", reason=f"Replaced by {successor.client_order_id}.")
    enqueue("orders.settle", str(order.pk))


def _build(order: Order, amendment: Amendment, total: Decimal, market: Market, client_order_id: str) -> Order:
    prices: dict[str, Decimal | None] = dict(amendment.prices)
    if "trail_amount" in prices or "trail_percent" in prices:
        prices = {"trail_amount": None, "trail_percent": None, "stop_price": None, **prices}
    return successor_build(
        order=order, client_order_id=client_order_id, quantity=total, reference_price=market.price, **prices
    )


def _intent(order: Order, amendment: Amendment, total: Decimal, market: Market) -> OrderIntent:
    """Return what is left to be asked for, checked as a new order is."""
    trails = (amendment.trail_amount, amendment.trail_percent)
    fresh = {} if trails == (None, None) else {"trail_amount": None, "trail_percent": None}
    left = total - _filled_before(order)
    figures: dict[str, Any] = {**fresh, **amendment.prices}
    intent = changed(intent_again(order), quantity=left, **figures)
    if left <= 0:
        raise InvalidOrder(
            f"{_filled_before(order).normalize():f} are filled already; ask for more than that, or cancel the order.",
            code="quantity_already_filled",
        )
    intent.validate(order.instrument.spec, market.price, market.at)
    return intent


def _filled_before(order: Order) -> Decimal:
    """Return what counts as filled of a quantity that is asked for in the order's place."""
    before = order.replaces
    counted = before if before is not None and before == waited_for(order) else order
    filled: Decimal = counted.filled_quantity
    return filled


def _require_replaceable(order: Order, amendment: Amendment) -> None:
    if not amendment.asked:
        raise InvalidOrder("Say what is to be different: a quantity or a price.", code="nothing_to_replace")
    if not OrderStatus(order.status).is_working:
        raise OrderNotReplaceable(f"The order is {order.status} and cannot be replaced any more.")
    if order.cancel_requested_at is None:
        return
    if (successor := successor_waiting(order)) is not None:
        raise OrderNotReplaceable(
            f"The order is being replaced by {successor.client_order_id}; replace that one.",
            code="order_being_replaced",
        )
    raise OrderNotReplaceable("The order's cancel has been asked for already.")
