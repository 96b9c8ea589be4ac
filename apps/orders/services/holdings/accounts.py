"""An account as its venue's reports change it: each portfolio, order and position is locked and read once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from apps.brokers.models import BrokerConnection
from apps.common.gathering import rows_keep, written
from apps.common.prepared import Given, Prepared
from apps.marketdata.models import Instrument
from apps.orders.models import Order
from apps.orders.selectors import closing_orders_ever, waited_for
from apps.orders.services.steps.stepping import order_lock
from apps.portfolio.models import Position
from apps.portfolio.selectors import position_held
from apps.portfolio.services import account_lock, portfolio_lock, positions_lock

type Book = tuple[uuid.UUID, int, str]


class Account:
    """What belongs to a connection, for as long as the caller's transaction lasts."""

    def __init__(self, connection: BrokerConnection) -> None:
        self.connection = connection
        self._orders: dict[str, Order] = {}
        self._positions: dict[Book, Position | None] = {}
        self._instruments: set[int] = set()
        self._without_closing: set[Book] = set()

    def lock(self) -> None:
        """Lock all of the account's portfolios, before anything else of it."""
        account_lock(self.connection)

    def orders_lock(self, client_order_ids: Iterable[str]) -> None:
        """Lock and read these orders together, after their portfolios."""
        orders = _ORDERS(connection=self.connection.pk, ids=list(client_order_ids))
        for order in orders:
            order.portfolio = portfolio_lock(order.portfolio_id)
        rows_keep(orders)
        self._orders |= {order.client_order_id: order for order in orders}

    def positions_lock(self, instrument: Instrument) -> None:
        """Lock and read what the account holds of an instrument, after the orders."""
        for position in positions_lock(self.connection, instrument):
            self._positions[position.portfolio_id, instrument.pk, position.book] = position
        self._instruments.add(instrument.pk)

    def order(self, client_order_id: str) -> Order | None:
        """Return the order of this id, locked after its portfolio; None where the platform does not know it."""
        known = self._orders.get(client_order_id)
        if known is not None:
            return known
        found = Order.objects.filter(portfolio__connection=self.connection, client_order_id=client_order_id)
        keys = found.values_list("pk", "portfolio_id").first()
        if keys is None:
            return None
        portfolio = portfolio_lock(keys[1])
        order = order_lock(keys[0])
        order.portfolio = portfolio
        return order

    def position(self, order: Order) -> Position | None:
        """Return the open position of the order's book; None where it is flat."""
        book = _book(order)
        if book not in self._positions and order.instrument_id not in self._instruments:
            self._positions[book] = position_held(order.portfolio, order.instrument_id, order.book)
        return self._positions.get(book)

    def position_keep(self, order: Order, position: Position) -> None:
        """Take what a fill has made of the position of the order's book."""
        self._positions[_book(order)] = None if position.closed_at is not None else position

    def closing_orders(self, order: Order) -> list[Order]:
        """Return the working orders of the order's book that reduce or flip its position, oldest first."""
        book = _book(order)
        if book in self._without_closing:
            return []
        written()
        orders = closing_orders_ever(order.portfolio, order.instrument_id, order.book)
        if not orders:
            self._without_closing.add(book)
        return [each for each in orders if waited_for(each) is None]

    def closing_orders_come(self, order: Order) -> None:
        """Note that closing orders have been added to the order's book."""
        self._without_closing.discard(_book(order))


def _book(order: Order) -> Book:
    return order.portfolio_id, order.instrument_id, order.book


_ORDERS = Prepared(
    lambda: (
        Order.objects.select_for_update(of=("self",))
        .filter(portfolio__connection=Given("connection"), client_order_id__any=Given("ids"))
        .select_related("instrument", "strategy")
        .order_by("pk")
    )
)
