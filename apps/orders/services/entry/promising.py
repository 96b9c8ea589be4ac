"""What an account's working orders would open, were they all filled.

Read for every order that is placed, however many work: only the columns that count.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from django.db.models import QuerySet

from algotrendy.trading.instruments import value_of
from algotrendy.trading.orders import WORKING, OrderStatus
from algotrendy.trading.values import ZERO, Side
from apps.common.prepared import Given, Prepared
from apps.orders.models import Order, OrderClass
from apps.orders.selectors import working_orders
from apps.portfolio.models import Portfolio, Position

type Book = tuple[int, str]


class Promise(NamedTuple):
    """A working order, as far as it counts for what it would open."""

    pk: uuid.UUID
    replaces_id: uuid.UUID | None
    instrument_id: int
    book: str
    status: str
    side: str
    quantity: Decimal
    filled_quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    reference_price: Decimal
    contract_size: Decimal


def promised_values(
    portfolio: Portfolio, positions: Mapping[Book, Position], replaced_id: uuid.UUID | None
) -> dict[Book, Decimal]:
    """Return, for each book, the value of the working orders that would open or add to its position.

    Of an order and the held one that is to come in its place only the greater counts: never both are at the venue.
    What waits for the fill of another is checked when that has come, and counts from then on.
    """
    orders = {order.pk: order for order in map(Promise._make, _OPENING(portfolio=portfolio.pk))}
    promised: dict[Book, Decimal] = {}
    for versions in _by_place(orders):
        if any(order.pk == replaced_id for order in versions):
            continue
        key = (versions[0].instrument_id, versions[0].book)
        held = positions[key].quantity if key in positions else ZERO
        value = max(_opening_value(order, held, orders) for order in versions)
        if value:
            promised[key] = promised.get(key, ZERO) + value
    return promised


def _opening() -> QuerySet[Order, tuple[object, ...]]:
    rows = working_orders().filter(portfolio=Given("portfolio"), reduce_only=False)
    rows = rows.exclude(status=OrderStatus.HELD, order_class=OrderClass.OTO, parent__status__in=WORKING)
    return rows.values_list(*Promise._fields[:-1], "instrument__contract_size")


_OPENING = Prepared(_opening)


def _by_place(orders: Mapping[uuid.UUID, Promise]) -> Iterable[list[Promise]]:
    """Return the orders of which each later one is to come in the place of the one before, together."""
    places: dict[uuid.UUID, list[Promise]] = defaultdict(list)
    for order in orders.values():
        first = order
        while first.status == OrderStatus.HELD and (before := _before(first, orders)) is not None:
            first = before
        places[first.pk].append(order)
    return places.values()


def _before(order: Promise, orders: Mapping[uuid.UUID, Promise]) -> Promise | None:
    return None if order.replaces_id is None else orders.get(order.replaces_id)


def _opening_value(order: Promise, held: Decimal, orders: Mapping[uuid.UUID, Promise]) -> Decimal:
    remaining = order.quantity - order.filled_quantity
    before = _before(order, orders) if order.status == OrderStatus.HELD else None
    if before is not None:
        # It asks for as much in all as is to be filled, of which its predecessor has done a part.
        remaining -= before.filled_quantity
    against = abs(held) if held * Side(order.side).sign < 0 else ZERO
    opening = max(remaining - against, ZERO)
    price = order.limit_price or order.stop_price or order.reference_price
    return value_of(price, opening, order.contract_size) if opening else ZERO
