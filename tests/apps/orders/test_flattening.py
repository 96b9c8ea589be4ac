"""Flattening: what a halt covers is canceled and closed, once, whoever dies in between."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from algotrendy.trading.errors import BrokerRejected, BrokerUnavailable
from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.risk import TradingMode
from apps.brokers.adapters.paper import PaperGateway
from apps.orders.models import Order
from apps.orders.services.holdings.flattening import halt_flatten, halts_flatten
from apps.orders.services.venue.settling import order_settle, strays_settle
from apps.portfolio.models import HaltWidth, Portfolio, Position
from apps.portfolio.services import halt_end, halt_start
from tests.apps.orders.stepper import Stepper
from tests.builders import make_order, make_position

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(trader):
    return Stepper(trader)


def flatten(desk, **more):
    where = {"width": HaltWidth.PORTFOLIO, "portfolio": desk.portfolio, "actor": desk.owner}
    return halt_start(**{**where, **more}, mode=TradingMode.HALTED, reason="Testing.", flatten=True)


def flattening():
    return list(Order.objects.filter(role="flatten").order_by("created_at"))


def test_orders_are_canceled_and_positions_closed_although_trading_is_halted(desk):
    desk.place(quantity="5", stop_loss="95", take_profit="110")
    desk.bar("100")
    resting = desk.place(kind="limit", limit_price="90")
    queued = desk.commit(kind="limit", limit_price="91")
    held = make_order(desk.portfolio, status=OrderStatus.HELD, reduce_only=True, side="sell")
    halt = flatten(desk)
    assert halt_flatten(halt_id=halt.pk) == 1  # The position, until its order has met a candle.
    for order in (resting, queued, held):
        order.refresh_from_db()
        assert (order.status, order.reason_code) == ("canceled", "halt_flatten")
    assert not Order.objects.filter(role__in=["stop_loss", "take_profit"], status="open").exists()
    (closing,) = flattening()
    assert (closing.side, closing.type, closing.quantity, closing.reduce_only) == ("sell", "market", D(5), True)
    assert closing.status == "open"
    desk.bar("99")
    position = Position.objects.get()
    assert (position.quantity, position.realized_pnl) == (D(0), D(-5))
    assert halt_flatten(halt_id=halt.pk) == 0


def test_however_often_it_runs_a_position_is_closed_by_one_order(desk):
    desk.place(quantity="5")
    desk.bar("100")
    flatten(desk)
    for _ in range(4):
        halts_flatten()
    assert len(flattening()) == 1
    desk.bar("100")
    halts_flatten()
    assert Position.objects.get().quantity == D(0)
    assert len(flattening()) == 1


def test_a_short_is_bought_back(desk):
    desk.place("sell", "3")
    desk.bar("100")
    flatten(desk)
    halts_flatten()
    assert [(order.side, order.quantity) for order in flattening()] == [("buy", D(3))]


def test_only_what_the_halt_covers_is_touched(desk, other_trader):
    other = Stepper(other_trader)
    for each in (desk, other):
        make_position(each.portfolio, book="rsi")
        make_position(each.portfolio, book="manual")
    working = make_order(desk.portfolio, book="manual")
    flatten(desk, width=HaltWidth.STRATEGY, book="rsi")
    halts_flatten()
    (closing,) = flattening()
    assert (closing.portfolio, closing.book) == (desk.portfolio, "rsi")
    working.refresh_from_db()
    assert working.status == "open"


def test_the_platforms_flatten_closes_everybodys_positions_and_no_simulations(desk, other_trader, admin):
    other, replay = Stepper(other_trader), Stepper(desk.owner, "Replay")
    Portfolio.objects.filter(pk=replay.portfolio.pk).update(is_simulation=True)
    for each in (desk, other, replay):
        make_position(each.portfolio)
    flatten(desk, width=HaltWidth.PLATFORM, portfolio=None, actor=admin)
    halts_flatten()
    assert {order.portfolio for order in flattening()} == {desk.portfolio, other.portfolio}


def test_a_position_is_not_closed_while_an_order_of_its_book_may_still_fill(desk, monkeypatch):
    desk.place(quantity="5", stop_loss="95")
    desk.bar("100")
    cancel = PaperGateway.cancel_order

    def silent(self, client_order_id, symbol):
        raise BrokerUnavailable("time-out")

    monkeypatch.setattr(PaperGateway, "cancel_order", silent)
    flatten(desk)
    assert halts_flatten() == 2
    assert flattening() == []
    monkeypatch.setattr(PaperGateway, "cancel_order", cancel)
    order_settle(order_id=Order.objects.get(role="stop_loss").pk)  # As the sweep of stray orders does.
    assert halts_flatten() == 1
    assert len(flattening()) == 1


def test_a_closing_order_that_came_to_nothing_is_followed_by_another_after_a_while(desk, monkeypatch):
    desk.place(quantity="5")
    desk.bar("100")

    def refuse(self, request):
        raise BrokerRejected("No.")

    with monkeypatch.context() as patched:
        patched.setattr(PaperGateway, "submit_order", refuse)
        flatten(desk)
        halts_flatten()
    assert [order.status for order in flattening()] == ["rejected"]
    halts_flatten()
    assert len(flattening()) == 1  # Not at once.
    Order.objects.filter(role="flatten").update(updated_at=flattening()[0].updated_at - timedelta(seconds=11))
    halts_flatten()
    assert [order.status for order in flattening()] == ["rejected", "open"]


def test_what_a_killed_worker_left_committed_is_sent_by_the_next_run_once(desk, monkeypatch):
    desk.place(quantity="5")
    desk.bar("100")
    halt = flatten(desk)
    monkeypatch.setattr("apps.orders.services.holdings.flattening.order_settle", lambda order_id: None)
    halt_flatten(halt_id=halt.pk)
    monkeypatch.undo()
    (closing,) = flattening()
    assert closing.status == "pending"
    halt_flatten(halt_id=halt.pk)
    assert len(flattening()) == 1
    Order.objects.update(updated_at=closing.updated_at - timedelta(seconds=6))
    strays_settle()
    assert [order.status for order in flattening()] == ["open"]


def test_a_halt_that_is_over_flattens_nothing_more(desk):
    make_position(desk.portfolio)
    halt = flatten(desk)
    halt_end(halt=halt, actor=desk.owner)
    assert halt_flatten(halt_id=halt.pk) == 0
    assert flattening() == []


def test_the_work_is_handed_to_a_worker_with_the_commit(desk, django_capture_on_commit_callbacks, monkeypatch):
    sent = []
    monkeypatch.setattr("apps.common.jobs._send", lambda task, args, expires: sent.append((task, args)))
    with django_capture_on_commit_callbacks(execute=True):
        halt = flatten(desk)
    assert ("orders.flatten", (str(halt.pk),)) in sent
