"""Placing orders that belong together: all of them are committed at once, or none is sent.

- oco: two orders for the same quantity on the same side; what one fills, the other no longer may
- oto: a primary, and one or two secondaries that wait for its end and then go for no more than it has filled; two
  secondaries are an oco pair among themselves; one that names no size is for as much as the primary
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import structlog
from django.db import IntegrityError, transaction

from algotrendy.trading.errors import InvalidOrder
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.risk import Approved, Denied
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.marketdata.models import Instrument
from apps.orders import metrics
from apps.orders.models import Order, OrderClass
from apps.orders.services.entry.admitting import tradable_require
from apps.orders.services.entry.exposure import risk_check
from apps.orders.services.entry.placing import Market, OrderDenied, Origin, market_of, order_build, order_write, sized
from apps.orders.services.entry.repeating import asked_of, id_reused, known_order, same_order_require
from apps.orders.services.steps.stepping import send_soon
from apps.portfolio.models import Portfolio
from apps.portfolio.services import portfolio_lock

log = structlog.get_logger(__name__)
LINKED_DENIED = "linked_order_denied"


@dataclass(frozen=True, slots=True)
class ListPlacement:
    """The orders of a list, in the order in which they were asked for, and whether this call made them."""

    orders: list[Order]
    is_new: bool


@dataclass(frozen=True, slots=True)
class OrderList:
    """What was asked for: the class, the orders' intents (of an oto the primary first), and the list's own id."""

    order_class: OrderClass
    intents: Sequence[OrderIntent]
    client_order_id: str
    metadata: dict[str, Any]

    @property
    def ids(self) -> list[str]:
        """The orders' client order ids: the list's own, numbered from 1."""
        return [f"{self.client_order_id}-{number}" for number in range(1, len(self.intents) + 1)]


def order_list_place(
    *,
    portfolio: Portfolio,
    instrument: Instrument,
    order_class: OrderClass,
    intents: Sequence[OrderIntent],
    actor: User,
    client_order_id: str,
    metadata: dict[str, Any] | None = None,
) -> ListPlacement:
    """Check linked orders and commit them together; the same list again returns the first answer.

    Raises InvalidOrder, OrderDenied (after all of them are committed as denied) and ClientOrderIdReused.
    """
    asked = OrderList(OrderClass(order_class), intents, client_order_id, metadata or {})
    _require_shape(asked)
    market = market_of(instrument)
    try:
        placement = _place(portfolio, instrument, asked, market, actor)
    except IntegrityError:
        # The same ids came at the same moment for another portfolio, and were quicker: they are known now.
        placement = _place(portfolio, instrument, asked, market, actor)
    log.info("orders_linked", list=client_order_id, order_class=asked.order_class.value, is_new=placement.is_new)
    denied = [order for order in placement.orders if order.status == OrderStatus.DENIED]
    if denied and all(order.submitted_at is None for order in placement.orders):
        raise OrderDenied(next((order for order in denied if order.reason_code != LINKED_DENIED), denied[0]))
    return placement


@transaction.atomic
def _place(
    portfolio: Portfolio, instrument: Instrument, asked: OrderList, market: Market, actor: User
) -> ListPlacement:
    portfolio = portfolio_lock(portfolio.pk)
    known = [known_order(portfolio, client_order_id) for client_order_id in asked.ids]
    if any(known):
        return ListPlacement(_same_or_raise(portfolio, instrument, asked, known), is_new=False)
    tradable_require(portfolio=portfolio, instrument=instrument)
    intents = [sized(intent, instrument, market) for intent in asked.intents]
    if asked.order_class == OrderClass.OTO:
        intents = [replace(intent, quantity=intent.quantity or intents[0].quantity) for intent in intents]
    _require_fit(asked.order_class, intents)
    for intent in intents:
        intent.validate(instrument.spec, market.price, market.at)
    decisions = _decide(portfolio, instrument, asked.order_class, intents, market)
    orders = _write(portfolio, instrument, asked, intents, market, decisions)
    is_denied = orders[0].status == OrderStatus.DENIED
    action = Action.ORDER_DENIED if is_denied else Action.ORDERS_LINKED
    ids = [str(order.pk) for order in orders]
    audit(action, user=actor, target=orders[0], order=orders[0].summary, order_class=asked.order_class, orders=ids)
    for order in orders:
        if order.status == OrderStatus.PENDING:
            send_soon(order)
    return ListPlacement(orders, is_new=True)


def _decide(
    portfolio: Portfolio,
    instrument: Instrument,
    order_class: OrderClass,
    intents: list[OrderIntent],
    market: Market,
) -> list[Approved | Denied]:
    """Return what the risk check says of each; a secondary is checked when it goes, with what is held by then."""
    checked = intents if order_class == OrderClass.OCO else intents[:1]
    decisions = [
        risk_check(
            portfolio=portfolio,
            instrument=instrument,
            book=Origin().book,
            intent=intent,
            market_price=market.price,
        )
        for intent in checked
    ]
    if any(isinstance(decision, Denied) for decision in decisions):
        linked = Denied(LINKED_DENIED, "An order that belongs with it was denied.")
        return [*(d if isinstance(d, Denied) else linked for d in decisions), *[linked] * (len(intents) - len(checked))]
    return [*decisions, *[Approved()] * (len(intents) - len(checked))]


def _write(
    portfolio: Portfolio,
    instrument: Instrument,
    asked: OrderList,
    intents: list[OrderIntent],
    market: Market,
    decisions: list[Approved | Denied],
) -> list[Order]:
    is_oto = asked.order_class == OrderClass.OTO
    paired = range(1, 3) if is_oto and len(intents) > 2 else range(0) if is_oto else range(2)
    group = uuid.uuid4().hex
    orders: list[Order] = []
    for place, (intent, decision, client_order_id) in enumerate(zip(intents, decisions, asked.ids, strict=True)):
        order = order_build(portfolio, instrument, intent, market, client_order_id, Origin(metadata=asked.metadata))
        order.order_class = asked.order_class
        order.oco_group = group if place in paired else ""
        order.parent = orders[0] if is_oto and place else None
        waits_for = f"order {asked.ids[0]}" if order.parent else ""
        orders.append(order_write(order=order, decision=decision, waits_for=waits_for))
    if not isinstance(decisions[0], Denied):
        metrics.count_list(asked.order_class)
    return orders


def _require_shape(asked: OrderList) -> None:
    count = len(asked.intents)
    if asked.order_class == OrderClass.OCO and count != 2:
        raise InvalidOrder(f"An oco list has two orders, not {count}.", code="order_list_shape")
    if asked.order_class == OrderClass.OTO and count not in (2, 3):
        raise InvalidOrder(
            f"An oto list has a primary order and one or two secondaries, not {count} orders.", code="order_list_shape"
        )
    if asked.order_class not in (OrderClass.OCO, OrderClass.OTO):
        raise InvalidOrder("A list of orders is an oco or an oto.", code="order_list_shape")


def _require_fit(order_class: OrderClass, intents: list[OrderIntent]) -> None:
    pair = intents if order_class == OrderClass.OCO else intents[1:]
    if len({(intent.side, intent.quantity) for intent in pair}) != 1:
        raise InvalidOrder(
            "Two orders of which one cancels the other are on the same side and for the same quantity.",
            code="order_list_mismatch",
        )
    if order_class == OrderClass.OTO and any(intent.quantity > intents[0].quantity for intent in pair):
        raise InvalidOrder(
            "A secondary order cannot be for more than its primary: it goes for no more than that has filled.",
            code="secondary_exceeds_primary",
        )


def _same_or_raise(
    portfolio: Portfolio, instrument: Instrument, asked: OrderList, known: list[Order | None]
) -> list[Order]:
    orders = [order for order in known if order is not None]
    further = known_order(portfolio, f"{asked.client_order_id}-{len(known) + 1}")
    is_shorter = further is not None and orders[0].order_class == further.order_class
    if len(orders) != len(known) or is_shorter:
        raise id_reused(orders[0].client_order_id)
    as_primary = Decimal(asked_of(orders[0]).get("quantity", 0))
    for order, intent in zip(orders, asked.intents, strict=True):
        lacks_size = asked.order_class == OrderClass.OTO and not intent.quantity and intent.notional is None
        same_order_require(
            known=order,
            portfolio=portfolio,
            instrument=instrument,
            intent=replace(intent, quantity=as_primary) if lacks_size else intent,
            order_class=asked.order_class,
            metadata=asked.metadata,
        )
    return orders
