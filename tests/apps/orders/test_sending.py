"""Orders that wait for paper venues, sent many at once: each as if it were alone, and exactly once."""

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side, TimeInForce
from apps.brokers.adapters.paper import PaperGateway
from apps.brokers.models import BrokerConnection, PaperOrder
from apps.orders.models import Order, OrderEvent, OrderRole
from apps.orders.selectors import unsettled_orders
from apps.orders.services.entry.canceling import order_cancel
from apps.orders.services.entry.placing import order_place
from apps.orders.services.venue import sending
from apps.orders.services.venue.requesting import request_of
from apps.orders.services.venue.sending import orders_send, orders_waiting
from apps.orders.services.venue.settling import order_settle, orders_settle
from apps.orders.services.venue.waiting import waiting_settle
from apps.orders.tasks import settle
from apps.portfolio.models import Portfolio, TradingHalt
from apps.portfolio.selectors import Scope
from tests.apps.orders.stepper import Stepper
from tests.builders import make_halt

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(trader):
    return Stepper(trader)


def commit_some(desk):
    """Commit orders of every kind that a paper venue takes at once."""
    return [
        desk.commit(quantity="1"),
        desk.commit("sell", "2", "limit", limit_price="104.5"),
        desk.commit("buy", "3", "limit", limit_price="95", post_only=True),
        desk.commit("sell", "1", "stop", stop_price="90"),
        desk.commit("sell", "1", "trailing_stop", trail_percent=D("1.5")),
        desk.commit("buy", "1", "limit", limit_price="99", time_in_force=TimeInForce.GTD, expires_at=desk.now + HOUR),
        desk.commit("buy", "1", "limit", limit_price="99", time_in_force=TimeInForce.IOC, book="other"),
        desk.commit(quantity="1", stop_loss="90", take_profit="110"),
    ]


def told(order):
    """Return what is known of an order and its row at the venue, without ids and times."""
    order = Order.objects.get(pk=order.pk)
    events = [
        (event.version, event.kind, event.from_status, event.to_status, dict(event.detail))
        for event in order.events.order_by("version")
    ]
    row = PaperOrder.objects.filter(client_order_id=order.client_order_id).values().first() or {}
    names = {f"paper-{row.pop('id', None)}": "row", order.client_order_id: "order"}
    for name in ("created_at", "connection_id", "client_order_id"):
        row.pop(name, None)
    for *_, detail in events:
        detail.update({key: names.get(value, value) for key, value in detail.items()})
    state = (order.status, order.version, names.get(order.exchange_order_id, ""), order.reason_code)
    return state, bool(order.submitted_at), events, row


def is_sent(order):
    order.refresh_from_db()
    assert order.status == "open"
    assert list(order.events.order_by("version").values_list("kind", flat=True)) == ["placed", "submitted", "accepted"]
    assert PaperOrder.objects.filter(client_order_id=order.client_order_id).count() == 1
    return True


def test_together_they_are_what_they_would_be_one_by_one(trader, other_trader):
    desks = [Stepper(trader), Stepper(other_trader)]
    BrokerConnection.objects.update(latency_ms=1500)
    alone, together = map(commit_some, desks)
    for order in alone:
        order_settle(order_id=order.pk)
    with CaptureQueriesContext(connection) as queries:
        assert orders_send([order.pk for order in together]) == {order.pk for order in together}
    assert [*map(told, together)] == [*map(told, alone)]
    assert told(together[0])[3]["active_from"] == together[0].active_from + timedelta(milliseconds=1500)
    names = PaperOrder.objects.filter(connection=desks[1].portfolio.connection_id).order_by("id")
    assert list(names.values_list("client_order_id", flat=True)) == [order.client_order_id for order in together]
    assert len([query for query in queries if query["sql"].startswith(("INSERT", "UPDATE"))]) == 3


def canceled_meanwhile(desk, order):
    order_cancel(order=order, actor=desk.owner)
    return "canceled", "canceled_by_user"


def asked_to_end(desk, order):
    Order.objects.filter(pk=order.pk).update(cancel_requested_at=timezone.now())
    return "canceled", ""


def halted_by(width):
    def halt(desk, order):
        portfolio = None if width == "platform" else desk.portfolio
        book = order.book if width == "strategy" else ""
        make_halt(portfolio, width=width, mode="halted", book=book)
        return "denied", "trading_halted"

    return halt


def of_a_connection_that_is_off(desk, order):
    BrokerConnection.objects.filter(pk=order.portfolio.connection_id).update(is_active=False)
    return "denied", "connection_off"


def would_take(desk, order):
    Order.objects.filter(pk=order.pk).update(post_only=True, limit_price=D(101))
    return "rejected", "post_only_would_take"


WIDTHS = ("platform", "portfolio", "strategy")
CHANGES = [canceled_meanwhile, asked_to_end, *map(halted_by, WIDTHS), of_a_connection_that_is_off, would_take]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("way", ["together", "each by its task"])
def test_what_is_not_that_simple_is_settled_by_itself_and_holds_up_no_other(desk, other_trader, change, way):
    other = Stepper(other_trader)
    odd = desk.commit("buy", "1", "limit", limit_price="99", book="odd")
    others = [other.commit(quantity="1"), other.commit("sell", "1", "limit", limit_price="105")]
    outcome = change(desk, odd)
    settle_in(way, [odd, *others])
    odd.refresh_from_db()
    assert (odd.status, odd.reason_code) == outcome
    assert not PaperOrder.objects.filter(client_order_id=odd.client_order_id).exists()
    if TradingHalt.objects.filter(width="platform").exists():
        assert set(Order.objects.values_list("status", flat=True)) == {"denied"}
    else:
        assert all(map(is_sent, others))


def settle_in(way, orders):
    if way == "together":
        assert orders_settle(orders) == len(orders)
    else:
        for order in orders:
            waiting_settle(order_id=order.pk)


def test_what_passes_halts_is_sent_with_others_under_one(desk):
    protecting, flattening = desk.commit("sell", "1", "stop", stop_price="90"), desk.commit("sell", "1")
    plain = desk.commit(quantity="1")
    for order, role in ((protecting, OrderRole.STOP_LOSS), (flattening, OrderRole.FLATTEN)):
        Order.objects.filter(pk=order.pk).update(role=role)
    make_halt(mode="halted")
    assert orders_send([protecting.pk, flattening.pk, plain.pk]) == {protecting.pk, flattening.pk}
    make_halt(desk.portfolio, mode="halted", until=timezone.now() - HOUR)
    TradingHalt.objects.filter(width="platform").update(ended_at=timezone.now())
    assert orders_send([plain.pk]) == {plain.pk}  # The halts are over, the one by itself.


def test_a_halt_until_later_covers_and_one_that_the_clock_has_passed_does_not(desk):
    order = desk.commit(quantity="1")
    halt = make_halt(desk.portfolio, mode="reducing", until=timezone.now() + HOUR)
    assert orders_send([order.pk]) == set()
    TradingHalt.objects.filter(pk=halt.pk).update(cause="daily_loss", until=timezone.now() - HOUR)
    assert orders_send([order.pk]) == set()  # That one lasts until the market is there.
    TradingHalt.objects.filter(pk=halt.pk).update(cause="person")
    assert orders_send([order.pk]) == {order.pk}


def test_simulations_are_sent_together_whatever_is_halted(trader):
    desk = Stepper(trader)
    Portfolio.objects.filter(pk=desk.portfolio.pk).update(is_simulation=True)
    orders = [desk.commit(quantity="1") for _ in range(3)]
    make_halt(mode="halted")
    assert set(orders_waiting()) == {order.pk for order in orders}
    assert orders_settle(unsettled_orders(desk.instrument, Scope(desk.portfolio.pk))) == 3
    assert all(map(is_sent, orders))


def test_orders_for_exchanges_never_go_this_way(exchange_desk, other_trader):
    paper = Stepper(other_trader).commit(quantity="1")
    order = order_place(
        portfolio=exchange_desk.portfolio, instrument=exchange_desk.instrument, actor=exchange_desk.owner,
        intent=OrderIntent(Side.BUY, OrderType.LIMIT, D(1), limit_price=D(90)),
    ).order  # fmt: skip
    assert orders_waiting() == [paper.pk]
    assert orders_send([order.pk, paper.pk]) == {paper.pk}
    order.refresh_from_db()
    assert (order.status, PaperOrder.objects.count(), exchange_desk.requests("place")) == ("pending", 1, 0)


@pytest.mark.parametrize("status", ["open", "filled", "canceled"])
def test_an_order_that_the_venue_has_already_is_not_doubled(desk, status):
    """It is acknowledged where it rests there; as it has ended there it is settled by itself."""
    known, other = desk.commit(quantity="1"), desk.commit(quantity="2")
    PaperGateway(desk.portfolio.connection).submit_order(request_of(known))
    PaperOrder.objects.update(status=status, filled_quantity=1 if status == "filled" else 0)
    assert orders_send([known.pk, other.pk]) == ({known.pk, other.pk} if status == "open" else {other.pk})
    order_settle(order_id=known.pk)
    known.refresh_from_db()
    assert known.status == {"open": "open", "filled": "submitted", "canceled": "canceled"}[status]
    assert PaperOrder.objects.filter(client_order_id=known.client_order_id).count() == 1
    assert is_sent(other)


def test_what_the_database_refuses_leaves_every_order_to_itself(desk):
    """One order's acknowledgement cannot be written down: none of the three is sent, then the two others are."""
    orders = [desk.commit(quantity="1") for _ in range(3)]
    broken = orders[1]
    with refused_by_the_database(broken):
        assert orders_send([order.pk for order in orders]) == set()
        assert (PaperOrder.objects.count(), OrderEvent.objects.exclude(kind="placed").count()) == (0, 0)
        with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
            orders_settle([broken])
        assert orders_settle([orders[0], orders[2]]) == 2
    assert is_sent(orders[0])
    assert is_sent(orders[2])
    assert orders_settle([broken]) == 1
    assert is_sent(broken)


@contextmanager
def refused_by_the_database(order):
    """Let the server itself refuse the order's next event."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON orders_orderevent FOR EACH ROW "
            f"WHEN (NEW.order_id = '{order.pk}') EXECUTE FUNCTION refuse()"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER refuse ON orders_orderevent; DROP FUNCTION refuse()")


def test_more_than_go_at_once_are_sent_in_several_transactions(desk, monkeypatch):
    monkeypatch.setattr(sending, "AT_ONCE", 2)
    orders = [desk.commit(quantity="0.1") for _ in range(5)]
    with CaptureQueriesContext(connection) as queries:
        assert orders_send([order.pk for order in orders]) == {order.pk for order in orders}
    assert len([query for query in queries if query["sql"].startswith('INSERT INTO "brokers_paperorder"')]) == 3
    assert all(map(is_sent, orders))


def test_a_task_sends_what_else_waits_and_the_others_tasks_ask_once(desk):
    orders = [desk.commit(quantity="1") for _ in range(4)]
    waiting_settle(order_id=orders[2].pk)
    assert all(map(is_sent, orders))
    for order in orders:
        with CaptureQueriesContext(connection) as queries:
            waiting_settle(order_id=order.pk)
        assert len(queries) == 1
    settle(str(orders[0].pk))
    assert is_sent(orders[0])


def test_a_task_for_what_is_to_end_or_to_shrink_sends_no_others(desk):
    waiting, resting = desk.commit(quantity="1"), desk.place("buy", "3", "limit", limit_price="95")
    order_cancel(order=resting, actor=desk.owner)
    waiting_settle(order_id=resting.pk)
    assert [Order.objects.get(pk=order.pk).status for order in (resting, waiting)] == ["canceled", "pending"]
