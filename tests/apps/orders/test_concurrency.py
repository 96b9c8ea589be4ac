"""Orders placed at the same moment: together they pass no limit that each alone would keep, and none is doubled."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D

import pytest
from django.db import connection, transaction

from algotrendy.trading.broker import ExecutionReport, ReportKind
from algotrendy.trading.candles import Bar
from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side, Timeframe
from apps.brokers.models import PaperOrder
from apps.orders.models import Order
from apps.orders.services.entry.placing import OrderDenied, Origin, order_place
from apps.orders.services.entry.repeating import ClientOrderIdReused
from apps.orders.services.entry.replacing import OrderNotReplaceable, order_replace
from apps.orders.services.holdings import filling
from apps.orders.services.holdings.filling import report_apply
from apps.orders.services.market.trading import bar_trade
from apps.orders.services.venue.sending import orders_send
from apps.orders.services.venue.settling import order_settle, orders_settle
from apps.orders.services.venue.waiting import waiting_settle
from apps.portfolio.models import RiskProfile
from apps.portfolio.selectors import LIVE
from apps.portfolio.services import positions_mark
from tests.builders import MARKET_TIME, make_candles_rows, make_instrument, make_order, make_portfolio, make_position

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls):
    """Make the calls in threads of their own; return what each gave or raised."""

    def guarded(call):
        try:
            return call()
        except (OrderDenied, ClientOrderIdReused) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(guarded, calls))


@pytest.fixture
def place(transactional_db, trader):
    instrument = make_instrument()
    make_candles_rows(instrument, [100])
    portfolios = [make_portfolio(trader, name=name) for name in ("One", "Two")]

    def call(quantity, client_order_id=None, portfolio=0):
        return order_place(
            portfolio=portfolios[portfolio],
            instrument=instrument,
            intent=OrderIntent(Side.BUY, OrderType.MARKET, D(quantity)),
            actor=trader,
            client_order_id=client_order_id,
        )

    return call


def test_orders_at_once_share_the_limit(place):
    """10 % of 10,000 is room for one order of 600, however many come together."""
    results = at_once([lambda: place(6)] * 6)
    assert sum(isinstance(result, OrderDenied) for result in results) == 5
    assert sorted(Order.objects.values_list("status", flat=True)) == ["denied"] * 5 + ["pending"]


@pytest.fixture
def place_anywhere(transactional_db, trader):
    """Place an order of 100 each in one of six instruments."""
    instruments = [make_instrument(f"{name}/USD") for name in ("BTC", "ETH", "ADA", "SOL", "XRP", "DOT")]
    for instrument in instruments:
        make_candles_rows(instrument, [100])
    portfolio = make_portfolio(trader)

    def call(number, quantity=1):
        return order_place(
            portfolio=portfolio,
            instrument=instruments[number],
            intent=OrderIntent(Side.BUY, OrderType.MARKET, D(quantity)),
            actor=trader,
        )

    return call


@pytest.mark.parametrize(
    ("limits", "quantity", "code", "passing"),
    [
        # 25 % of 10,000 is room for two positions of 1,000 and not for three.
        ({"max_total_exposure_percent": D(25)}, 10, "max_total_exposure", 2),
        ({"max_concurrent_positions": 2}, 1, "max_concurrent_positions", 2),
        ({"max_orders_per_minute": 3}, 1, "order_rate", 3),
        # Once equity carries 10,000: four of 2,500 fit, the fifth would be 12,500.
        (
            {"max_leverage": D(1), "max_position_size_percent": D(100), "max_total_exposure_percent": D(1000),
             "max_concurrent_positions": 9},
            25, "max_leverage", 4,
        ),
    ],
)  # fmt: skip
def test_orders_at_once_cannot_together_pass_what_each_alone_would_keep(
    place_anywhere, limits, quantity, code, passing
):
    RiskProfile.objects.update(**limits)
    results = at_once([lambda number=number: place_anywhere(number, quantity) for number in range(6)])
    denied = [result for result in results if isinstance(result, OrderDenied)]
    assert {result.code for result in denied} == {code}
    assert sorted(Order.objects.values_list("status", flat=True)) == ["denied"] * (6 - passing) + ["pending"] * passing


def test_the_same_order_sent_at_once_is_one_order(place):
    results = at_once([lambda: place(2, "same")] * 6)
    assert len({result.order.pk for result in results}) == 1
    assert sum(result.is_new for result in results) == 1
    assert Order.objects.count() == 1


def test_one_client_order_id_for_two_portfolios_at_once_is_taken_by_one_of_them(place):
    results = at_once([lambda: place(2, "same", 0), lambda: place(2, "same", 1)])
    assert sum(isinstance(result, ClientOrderIdReused) for result in results) == 1
    assert Order.objects.count() == 1


@pytest.fixture
def resting(place):
    order = place(2, "rests").order
    order_settle(order_id=order.pk)
    return order


def replaced(order, actor, quantity):
    try:
        return order_replace(order=order, actor=actor, quantity=D(quantity)).order
    except OrderNotReplaceable as error:
        return error
    finally:
        connection.close()


def test_of_replacements_at_once_one_takes_place(resting, trader):
    results = at_once([lambda quantity=n: replaced(resting, trader, quantity) for n in (3, 4, 5, 6)])
    assert sum(isinstance(result, OrderNotReplaceable) for result in results) == 3
    assert Order.objects.filter(replaces=resting, status="held").count() == 1


def test_a_fill_and_a_replacement_at_once_never_come_to_more_than_was_wanted(resting, trader):
    """Whichever comes first: filled and successor together are the 3 that are wanted, or the fill has ended both."""
    report = ExecutionReport(
        ReportKind.FILLED, "rests", MARKET_TIME, trade_id="t1", price=D(100), quantity=D(1), fee=D(0)
    )
    venue = resting.portfolio.connection
    at_once(
        [
            lambda: report_apply(connection=venue, report=report),
            lambda: replaced(resting, trader, 3),
            lambda: order_settle(order_id=resting.pk),
        ]
    )
    order_settle(order_id=resting.pk)
    resting.refresh_from_db()
    successor = Order.objects.get(replaces=resting)
    assert (resting.status, resting.filled_quantity) == ("canceled", 1)
    assert (successor.status, successor.quantity) == ("pending", 2)


def test_both_of_a_pair_fill_at_once_and_no_lock_stands_against_another(resting, trader):
    pair = [
        make_order(resting.portfolio, instrument=resting.instrument, oco_group="pair", order_class="oco") for _ in "ab"
    ]
    venue = resting.portfolio.connection

    def fill(order):
        report = ExecutionReport(
            ReportKind.FILLED, order.client_order_id, MARKET_TIME,
            trade_id=order.client_order_id, price=D(100), quantity=D("0.4"), fee=D(0),
        )  # fmt: skip
        return report_apply(connection=venue, report=report)

    at_once([lambda order=order: fill(order) for order in pair])
    for order in pair:
        order.refresh_from_db()
        assert order.filled_quantity == D("0.4")
        assert order.kept_quantity == D("0.2")  # 1 in all, less the 0.8 that the two have filled


@pytest.fixture
def waiting(place):
    """Return twelve orders of two portfolios that wait to be sent."""
    RiskProfile.objects.update(enabled=False)
    return [place(1, portfolio=number % 2).order for number in range(12)]


def require_sent_once(orders):
    assert set(Order.objects.values_list("status", flat=True)) == {"open"}
    assert PaperOrder.objects.count() == len(orders)
    for order in orders:
        assert [event.kind for event in order.events.order_by("version")] == ["placed", "submitted", "accepted"]


def test_what_another_transaction_holds_is_left_and_sent_later(waiting):
    held, ids = waiting[0], [order.pk for order in waiting]
    with transaction.atomic():
        Order.objects.select_for_update().get(pk=held.pk)
        assert at_once([lambda: orders_send(ids)]) == [set(ids[1:])]
    assert orders_send(ids) == {held.pk}
    require_sent_once(waiting)


def test_workers_at_once_send_each_order_once(waiting):
    ids = [order.pk for order in waiting]

    def tasks(order_ids):
        for order_id in order_ids:
            waiting_settle(order_id=order_id)

    at_once(
        [lambda: tasks(ids), lambda: tasks(ids[::-1]), lambda: orders_settle(waiting), lambda: orders_send(ids[4:])]
    )
    require_sent_once(waiting)


def test_a_candle_and_the_marks_of_another_worker_do_not_stand_against_each_other(place, trader, monkeypatch):
    """The candle fills the books in another order than marks go, and is held up between its two fills."""
    instrument, portfolio = make_instrument(), trader.portfolios.get(name="One")
    RiskProfile.objects.update(enabled=False)
    positions = [make_position(portfolio, instrument=instrument, book=book) for book in "ab"]
    for book in "ba":
        origin = Origin(book=book)
        intent = OrderIntent(Side.SELL, OrderType.MARKET, D("0.4"))
        order_place(portfolio=portfolio, instrument=instrument, intent=intent, actor=trader, origin=origin)
    candle = instrument.candles.get()
    bar = Bar(instrument.symbol, Timeframe.H1, candle.close_time, *[D(100)] * 4, D(1000))
    realign = filling.legs_realign

    with ThreadPoolExecutor(1) as pool:
        marks = []

        def marks_come(**more):
            if not marks:
                mark = {"instrument": instrument, "price": D(90), "scope": LIVE}
                marks.append(pool.submit(at_once, [lambda: positions_mark(**mark)]))
                wait_until(is_somebody_waiting)
            return realign(**more)

        monkeypatch.setattr(filling, "legs_realign", marks_come)
        bar_trade(instrument=instrument, bar=bar, window=lambda until, length: pytest.fail("no strategy runs"))
        assert len(marks[0].result()[0]) == 2
    for position in positions:
        position.refresh_from_db()
        assert position.quantity == D("0.6")


def is_somebody_waiting():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def wait_until(condition):
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
