"""Whatever the platform places by itself has an id that every exchange takes, and from which it is known again."""

from __future__ import annotations

import uuid
from decimal import Decimal as D

import pytest

from algotrendy.trading.risk import TradingMode
from apps.brokers.adapters.exchange.ids import from_wire, to_wire
from apps.orders.models import Order
from apps.orders.naming import one_id
from apps.orders.services.holdings.closing import positions_close
from apps.orders.services.holdings.exiting import position_exit
from apps.orders.services.holdings.flattening import halt_flatten
from apps.orders.services.holdings.reprotecting import position_protect
from apps.orders.services.market.watching import Tick
from apps.portfolio.models import HaltWidth, Position
from apps.portfolio.services import halt_start
from tests.apps.orders.exchange_desk import ExchangeDesk
from tests.builders import MARKET_TIME

pytestmark = pytest.mark.django_db


@pytest.fixture
def position(exchange_desk: ExchangeDesk) -> Position:
    exchange_desk.place(kind="market")
    return Position.objects.get()


def settle(desk: ExchangeDesk) -> None:
    """Send what waits, and find every id that was given short enough for the exchanges with the least room."""
    for order in Order.objects.order_by("created_at"):
        for exchange in ("binance", "okx"):
            assert from_wire(to_wire(exchange, order.client_order_id)) == order.client_order_id
        desk.settle(order)


def test_all_positions_are_closed_at_an_exchange(exchange_desk: ExchangeDesk, position: Position) -> None:
    closing = positions_close(actor=exchange_desk.owner, key="everything")
    settle(exchange_desk)
    assert exchange_desk.coins < D("0.0001")
    again = positions_close(actor=exchange_desk.owner, key="everything")
    assert [order.pk for order in again.orders] == [order.pk for order in closing.orders]


def test_a_halt_flattens_at_an_exchange(exchange_desk: ExchangeDesk, position: Position) -> None:
    halt = halt_start(
        width=HaltWidth.PORTFOLIO, portfolio=exchange_desk.portfolio, mode=TradingMode.HALTED, reason="Testing.",
        actor=exchange_desk.owner, flatten=True,
    )  # fmt: skip
    halt_flatten(halt_id=halt.pk)
    settle(exchange_desk)
    assert exchange_desk.coins < D("0.0001")


@pytest.mark.parametrize("cause", ["stop-64321_12345678", "target-64321_12345678", "liquidation", "margin"])
def test_a_position_is_closed_at_an_exchange_for_any_cause(
    exchange_desk: ExchangeDesk, position: Position, cause: str
) -> None:
    seen = Tick(D(100), MARKET_TIME).seen
    order = position_exit(position=position, role="stop_loss", cause=cause, seen=seen)  # type: ignore[arg-type]
    assert order is not None
    settle(exchange_desk)
    assert exchange_desk.coins < D("0.0001")
    assert order.metadata == {"cause": cause}


def test_protection_set_by_hand_and_its_successor_rest_at_an_exchange(
    exchange_desk: ExchangeDesk, position: Position
) -> None:
    exchange_desk.connection.test_result = {"rests": ["stop", "limit", "market"]}
    exchange_desk.connection.save()
    position.portfolio.refresh_from_db()
    for stop in ("95", "96"):
        position_protect(position=Position.objects.get(), actor=exchange_desk.owner, stop_loss=D(stop))
        settle(exchange_desk)
        settle(exchange_desk)
    working = [order.stop_price for order in exchange_desk.orders_at_venue() if order.is_working]
    assert working == [D(96)]


def test_a_row_and_what_is_done_to_it_have_one_id_and_another_deed_another() -> None:
    row, other = uuid.uuid4(), uuid.uuid4()
    assert one_id(row, "a", "b") == one_id(row, "a", "b")
    assert len({one_id(row, "a", "b"), one_id(row, "ab"), one_id(row, "a"), one_id(other, "a", "b")}) == 4
    assert len(one_id(row)) == 32
