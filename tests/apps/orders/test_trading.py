"""The life of orders on hand-made candles: fills, protection, flips, cancels, denials; figures worked out by hand."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import BrokerUnavailable, InvalidOrder
from algotrendy.trading.orders import OrderIntent, OrderStatus
from algotrendy.trading.values import OrderType, Side, Timeframe, TimeInForce
from apps.brokers.adapters.paper import PaperGateway
from apps.brokers.models import PaperOrder
from apps.orders.models import Fill, Order, OrderEvent
from apps.orders.services.entry.canceling import OrderNotCancelable, order_cancel
from apps.orders.services.entry.placing import OrderDenied, order_place
from apps.orders.services.entry.repeating import ClientOrderIdReused
from apps.orders.services.holdings.closing import position_close
from apps.orders.services.holdings.filling import report_apply
from apps.orders.services.market.trading import bar_trade
from apps.orders.services.venue.settling import order_settle, strays_settle
from apps.portfolio.models import Portfolio, Position
from tests.builders import MARKET_TIME, make_candles_rows, make_connection, make_instrument, make_portfolio

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


class Desk:
    """A portfolio of 10,000 USD that pays 0.1 % and slips 0.05 %, and an instrument at 100, stepped by hand."""

    def __init__(self, owner):
        self.owner = owner
        self.connection = make_connection(owner)
        self.portfolio = make_portfolio(owner, connection=self.connection)
        self.instrument = make_instrument()
        make_candles_rows(self.instrument, [100], start=MARKET_TIME - HOUR)
        self.now = MARKET_TIME

    def place(self, side="buy", quantity="5", kind="market", **more):
        for name in ("limit_price", "stop_price", "stop_loss", "take_profit"):
            if name in more:
                more[name] = D(more[name])
        client_order_id = more.pop("client_order_id", None)
        intent = OrderIntent(Side(side), OrderType(kind), D(quantity), **more)
        placement = order_place(
            portfolio=self.portfolio,
            instrument=self.instrument,
            intent=intent,
            actor=self.owner,
            client_order_id=client_order_id,
        )
        order_settle(order_id=placement.order.pk)
        return placement.order

    def bar(self, o, h, lo, c):
        bar = Bar("BTC/USD", Timeframe.H1, self.now, D(o), D(h), D(lo), D(c), D(1000))
        bar_trade(instrument=self.instrument, bar=bar, window=lambda until, length: pytest.fail("no strategy runs"))
        self.now += HOUR
        return bar

    @property
    def position(self):
        return Position.objects.filter(portfolio=self.portfolio).latest("created_at")

    @property
    def cash(self):
        return Portfolio.objects.get(pk=self.portfolio.pk).cash


@pytest.fixture
def desk(trader):
    return Desk(trader)


def statuses():
    return list(Order.objects.order_by("created_at", "id").values_list("role", "status"))


def test_a_market_order_fills_at_the_next_open_with_slippage_and_fee(desk):
    order = desk.place()
    assert Order.objects.get(pk=order.pk).status == "open"
    desk.bar("101", "102", "100", "101.5")
    order.refresh_from_db()
    assert (order.status, order.average_fill_price) == ("filled", D("101.06"))  # 101 x 1.0005 = 101.0505, rounded up
    assert order.fees_paid == D("0.5053")  # 5 x 101.06 x 0.001
    assert desk.cash == D(10_000) - D("505.30") - D("0.5053")
    assert desk.position.unrealized_pnl == 5 * (D("101.5") - D("101.06"))
    kinds = OrderEvent.objects.filter(order=order).order_by("version").values_list("kind", flat=True)
    assert list(kinds) == ["placed", "submitted", "accepted", "filled"]


def test_a_second_buy_averages_and_a_partial_sell_realizes_its_share(desk):
    desk.portfolio.connection.slippage_rate = desk.portfolio.connection.commission_rate = D(0)
    desk.portfolio.connection.save()
    desk.place(quantity="2")
    desk.bar("100", "100", "100", "100")
    desk.place(quantity="2")
    desk.bar("110", "110", "110", "110")
    assert (desk.position.quantity, desk.position.entry_price) == (D(4), D(105))
    desk.place(side="sell", quantity="1")
    desk.bar("120", "120", "120", "120")
    position = desk.position
    assert (position.quantity, position.realized_pnl, position.entry_price) == (D(3), D(15), D(105))
    assert position.closed_at is None
    assert desk.cash == D(10_000) - 200 - 220 + 120


def test_an_entry_is_protected_in_the_bar_of_its_own_fill_and_the_stop_comes_first(desk):
    desk.place(stop_loss="95", take_profit="105")
    desk.bar("100", "106", "94", "100")
    assert statuses() == [("manual", "filled"), ("stop_loss", "filled"), ("take_profit", "canceled")]
    stop = Order.objects.get(role="stop_loss")
    assert stop.average_fill_price == D("94.95")  # 95 x 0.9995 = 94.9525, rounded down
    assert desk.position.closed_at is not None
    assert desk.position.quantity == 0


def test_a_target_that_fills_cancels_the_stop(desk):
    desk.place(stop_loss="95", take_profit="105")
    desk.bar("100", "101", "99", "100")
    desk.bar("100", "106", "99", "105")
    assert statuses() == [("manual", "filled"), ("stop_loss", "canceled"), ("take_profit", "filled")]
    assert Order.objects.get(role="take_profit").average_fill_price == D(105)
    assert PaperOrder.objects.filter(status="open").count() == 0


def test_protection_shrinks_with_the_position_and_ends_with_it(desk):
    desk.place(quantity="5", stop_loss="95", take_profit="105")
    desk.bar("100", "101", "99", "100")
    desk.place(side="sell", quantity="2")
    desk.bar("100", "101", "99", "100")
    legs = Order.objects.filter(reduce_only=True)
    assert set(legs.values_list("quantity", "status")) == {(D(3), "open")}
    assert set(PaperOrder.objects.filter(status="open").values_list("quantity", flat=True)) == {D(3)}
    order = position_close(position=desk.position, actor=desk.owner).order
    order_settle(order_id=order.pk)
    desk.bar("100", "101", "99", "100")
    assert set(legs.filter(role__in=["stop_loss", "take_profit"]).values_list("status", flat=True)) == {"canceled"}
    assert desk.position.quantity == 0
    assert not PaperOrder.objects.filter(status="open").exists()


def test_a_sell_beyond_what_is_held_closes_the_long_and_opens_a_short(desk):
    desk.place(quantity="2")
    desk.bar("100", "100", "100", "100")
    desk.place(side="sell", quantity="5")
    desk.bar("100", "100", "100", "100")
    closed, opened = Position.objects.order_by("created_at")
    assert (closed.side, closed.quantity, closed.closed_at is None) == ("long", D(0), False)
    assert (opened.side, opened.quantity, opened.closed_at) == ("short", D(-3), None)
    assert Fill.objects.count() == 2


def test_a_bar_that_is_traded_twice_changes_nothing_the_second_time(desk):
    desk.place(stop_loss="95", take_profit="105")
    bar = desk.bar("100", "101", "99", "100")
    before = (desk.cash, Fill.objects.count(), OrderEvent.objects.count(), statuses())
    bar_trade(instrument=desk.instrument, bar=bar, window=lambda until, length: pytest.fail("no strategy runs"))
    assert (desk.cash, Fill.objects.count(), OrderEvent.objects.count(), statuses()) == before


def test_a_report_that_comes_twice_counts_once(desk):
    order = desk.place()
    gateway = PaperGateway(desk.connection)
    bar = Bar("BTC/USD", Timeframe.H1, desk.now, D(100), D(100), D(100), D(100), D(1))
    reports = gateway.match_next(desk.instrument.spec, bar)
    for _ in range(2):
        report_apply(connection=desk.connection, report=reports[0])
    order.refresh_from_db()
    assert (Fill.objects.count(), order.filled_quantity) == (1, D(5))


def test_an_order_never_meets_a_candle_that_had_opened_before_it(desk):
    desk.place()
    desk.now -= HOUR
    desk.bar("1", "1", "1", "1")
    assert not Fill.objects.exists()


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"quantity": "0.05"}, "min_order_size"),
        ({"quantity": "10.0001"}, "max_position_size"),
    ],
)
def test_an_order_beyond_a_limit_is_kept_denied_with_the_figures(desk, order, code):
    with pytest.raises(OrderDenied) as caught:
        desk.place(**order)
    kept = Order.objects.get()
    assert (kept.status, kept.reason_code, caught.value.code) == ("denied", code, code)
    assert set(kept.risk) == {"actual", "limit"}
    assert not PaperOrder.objects.exists()


def test_orders_that_still_work_count_against_the_limits(desk):
    desk.place(quantity="6", kind="limit", limit_price="100")
    with pytest.raises(OrderDenied) as caught:
        desk.place(quantity="5")
    assert caught.value.code == "max_position_size"
    assert caught.value.figures["actual"] == "1100.00000000"


def test_closing_is_never_denied(desk):
    desk.place(quantity="9")
    desk.bar("100", "100", "100", "100")
    profile = desk.portfolio.risk_profile
    profile.max_position_size_percent = profile.max_total_exposure_percent = D(0)
    profile.save()
    order = desk.place(side="sell", quantity="9")
    assert order.status == OrderStatus.PENDING


def test_reduce_only_refuses_to_open(desk):
    with pytest.raises(InvalidOrder) as caught:
        desk.place(side="sell", quantity="1", reduce_only=True)
    assert caught.value.code == "reduce_only_would_open"
    assert not Order.objects.exists()


def test_the_same_client_order_id_is_one_order_and_another_body_is_refused(desk):
    first = desk.place(client_order_id="mine")
    assert desk.place(client_order_id="mine").pk == first.pk
    with pytest.raises(ClientOrderIdReused):
        desk.place(client_order_id="mine", quantity="6")
    assert Order.objects.count() == PaperOrder.objects.count() == 1


def test_a_cancel_ends_a_resting_order_and_a_finished_one_cannot_be_canceled(desk):
    order = desk.place(kind="limit", limit_price="90")
    order_cancel(order=order, actor=desk.owner)
    order = order_settle(order_id=order.pk)
    assert (order.status, order.reason_code) == ("canceled", "canceled_by_user")
    assert PaperOrder.objects.get().status == "canceled"
    with pytest.raises(OrderNotCancelable):
        order_cancel(order=order, actor=desk.owner)


def test_a_day_order_ends_with_the_day_of_the_market(desk):
    order = desk.place(kind="limit", limit_price="90", time_in_force=TimeInForce.DAY)
    for _ in range(12):  # from noon to midnight
        desk.bar("100", "101", "99", "100")
    order.refresh_from_db()
    assert order.status == "open"
    desk.bar("100", "101", "80", "100")
    order.refresh_from_db()
    assert order.status == "expired"


def test_a_venue_that_does_not_answer_leaves_the_order_in_flight_and_it_is_asked_before_anything_is_sent_again(
    desk, monkeypatch
):
    intent = OrderIntent(Side.BUY, OrderType.MARKET, D(5))
    order = order_place(portfolio=desk.portfolio, instrument=desk.instrument, intent=intent, actor=desk.owner).order
    sent = PaperGateway.submit_order

    def taken_but_silent(self, request):
        sent(self, request)
        raise BrokerUnavailable("time-out")

    monkeypatch.setattr(PaperGateway, "submit_order", taken_but_silent)
    assert order_settle(order_id=order.pk).status == "submitted"
    monkeypatch.setattr(PaperGateway, "submit_order", lambda self, request: pytest.fail("sent blind"))
    assert order_settle(order_id=order.pk).status == "open"
    assert PaperOrder.objects.count() == 1


def test_the_sweep_settles_what_a_lost_task_left(desk):
    intent = OrderIntent(Side.BUY, OrderType.MARKET, D(5))
    order = order_place(portfolio=desk.portfolio, instrument=desk.instrument, intent=intent, actor=desk.owner).order
    assert strays_settle() == 0  # Its own task may be on its way.
    Order.objects.filter(pk=order.pk).update(updated_at=order.updated_at - timedelta(seconds=6))
    assert strays_settle() == 1
    order.refresh_from_db()
    assert order.status == "open"
