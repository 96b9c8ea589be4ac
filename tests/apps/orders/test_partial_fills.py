"""Fills in part from candle to position: brackets that shrink, legs for each part; figures worked out by hand."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from algotrendy.trading.candles import Bar
from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side, Timeframe, TimeInForce
from apps.brokers.models import PaperOrder
from apps.orders.models import Fill, Order
from apps.orders.services.entry.canceling import order_cancel
from apps.orders.services.entry.placing import order_place
from apps.orders.services.market.trading import bar_trade
from apps.orders.services.venue.settling import order_settle
from apps.portfolio.models import Portfolio, Position
from tests.builders import MARKET_TIME, make_candles_rows, make_connection, make_instrument, make_portfolio

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


class Desk:
    """A portfolio of 10,000 USD at a venue without costs that gives an account a tenth of each candle's volume."""

    def __init__(self, owner):
        self.owner = owner
        rates = {"commission_rate": D(0), "slippage_rate": D(0), "volume_share": D("0.1")}
        self.portfolio = make_portfolio(owner, connection=make_connection(owner, **rates))
        self.instrument = make_instrument()
        make_candles_rows(self.instrument, [100], start=MARKET_TIME - HOUR)
        self.now = MARKET_TIME

    def place(self, side="buy", quantity="5", kind="market", **more):
        prices = ("limit_price", "stop_price", "stop_loss", "take_profit")
        more = {name: D(value) if name in prices else value for name, value in more.items()}
        intent = OrderIntent(Side(side), OrderType(kind), D(quantity), **more)
        order = order_place(portfolio=self.portfolio, instrument=self.instrument, intent=intent, actor=self.owner).order
        return order_settle(order_id=order.pk)

    def bar(self, o, h, lo, c, volume):
        bar = Bar("BTC/USD", Timeframe.H1, self.now, D(o), D(h), D(lo), D(c), D(volume))
        bar_trade(instrument=self.instrument, bar=bar, window=lambda until, length: pytest.fail("no strategy runs"))
        self.now += HOUR
        self.check()

    def check(self):
        """Hold the platform's books against the venue's."""
        for order in Order.objects.all():
            venue = PaperOrder.objects.get(client_order_id=order.client_order_id)
            assert (order.filled_quantity, order.quantity) == (venue.filled_quantity, venue.quantity)
            assert (venue.status == "open") == (order.status in ("open", "partially_filled"))
        signed = sum(fill.quantity * Side(fill.side).sign for fill in Fill.objects.all())
        assert signed == sum(position.quantity for position in Position.objects.all())

    @property
    def held(self):
        position = Position.objects.filter(portfolio=self.portfolio).latest("created_at")
        return position.quantity, position.entry_price

    @property
    def cash(self):
        return Portfolio.objects.get(pk=self.portfolio.pk).cash

    def orders(self, **where):
        rows = Order.objects.filter(**where).order_by("created_at", "id")
        return [(order.role, order.status, order.quantity, order.filled_quantity) for order in rows]


@pytest.fixture
def desk(trader):
    return Desk(trader)


def test_an_order_fills_over_several_candles_and_its_position_averages(desk):
    order = desk.place()
    desk.bar("100", "101", "99", "100", 20)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.average_fill_price) == ("partially_filled", D(2), D(100))
    desk.bar("105", "106", "104", "105", 1000)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.average_fill_price) == ("filled", D(5), D(103))
    assert desk.held == (D(5), D(103))
    assert desk.cash == 10_000 - 200 - 315
    kinds = list(order.events.order_by("version").values_list("kind", "to_status"))
    assert kinds[-2:] == [("filled", "partially_filled"), ("filled", "filled")]


def test_each_part_of_an_entry_is_protected_by_a_pair_of_its_own(desk):
    desk.place(stop_loss="95", take_profit="110")
    desk.bar("100", "101", "99", "100", 20)
    legs = {"reduce_only": True}
    assert desk.orders(**legs) == [("stop_loss", "open", D(2), D(0)), ("take_profit", "open", D(2), D(0))]
    desk.bar("101", "102", "100", "101", 1000)
    assert desk.orders(**legs) == [
        ("stop_loss", "open", D(2), D(0)),
        ("take_profit", "open", D(2), D(0)),
        ("stop_loss", "open", D(3), D(0)),
        ("take_profit", "open", D(3), D(0)),
    ]
    desk.bar("100", "100", "94", "95", 1000)
    assert {(role, status, filled) for role, status, _, filled in desk.orders(**legs)} == {
        ("stop_loss", "filled", D(2)),
        ("stop_loss", "filled", D(3)),
        ("take_profit", "canceled", D(0)),
    }
    assert desk.held[0] == 0
    assert desk.cash == 10_000 - 200 - 303 + 5 * 95


def test_one_pair_that_ends_leaves_the_other_pair_whole(desk):
    desk.place(quantity="2", stop_loss="95", take_profit="103")
    desk.bar("100", "101", "99", "100", 1000)
    desk.place(quantity="3", stop_loss="94", take_profit="110")
    desk.bar("100", "101", "99", "100", 1000)
    desk.bar("102", "104", "101", "103", 1000)
    assert desk.held[0] == 3
    assert desk.orders(reduce_only=True) == [
        ("stop_loss", "canceled", D(2), D(0)),
        ("take_profit", "filled", D(2), D(2)),
        ("stop_loss", "open", D(3), D(0)),
        ("take_profit", "open", D(3), D(0)),
    ]


def test_a_target_that_fills_in_part_shrinks_its_stop_and_the_stop_then_closes_just_the_rest(desk):
    desk.place(stop_loss="95", take_profit="105")
    desk.bar("100", "101", "99", "100", 1000)
    desk.bar("104", "106", "103", "104", 20)
    assert desk.held[0] == 3
    assert desk.orders(reduce_only=True) == [
        ("stop_loss", "open", D(3), D(0)),
        ("take_profit", "partially_filled", D(5), D(2)),
    ]
    desk.bar("100", "101", "94", "95", 10)
    assert desk.held[0] == 2
    assert desk.orders(reduce_only=True) == [
        ("stop_loss", "partially_filled", D(3), D(1)),
        ("take_profit", "partially_filled", D(4), D(2)),
    ]
    desk.bar("96", "97", "95.50", "96", 1000)
    assert desk.held[0] == 0
    assert desk.orders(reduce_only=True) == [
        ("stop_loss", "filled", D(3), D(3)),
        ("take_profit", "canceled", D(4), D(2)),
    ]
    assert desk.cash == 10_000 - 500 + 2 * 105 + 95 + 2 * 96


def test_two_pairs_that_fill_in_part_on_the_same_candle_never_close_more_than_is_held(desk):
    desk.place(stop_loss="95", take_profit="105")
    desk.bar("100", "101", "99", "100", 20)
    desk.bar("100", "101", "99", "100", 1000)
    desk.bar("104", "106", "103", "104", 30)
    assert desk.held[0] == 2
    rows = Order.objects.filter(reduce_only=True, status__in=["open", "partially_filled"])
    remaining = {
        role: sum(o.remaining_quantity for o in rows if o.role == role) for role in ("stop_loss", "take_profit")
    }
    assert remaining == {"stop_loss": D(2), "take_profit": D(2)}
    desk.bar("96", "97", "90", "91", 1000)
    assert desk.held[0] == 0
    assert not PaperOrder.objects.filter(status="open").exists()
    assert desk.cash == 10_000 - 500 + 3 * 105 + 2 * 95


def test_a_canceled_entry_keeps_what_it_has_and_its_protection(desk):
    order = desk.place(stop_loss="95")
    desk.bar("100", "101", "99", "100", 20)
    order_cancel(order=order, actor=desk.owner)
    order = order_settle(order_id=order.pk)
    assert (order.status, order.filled_quantity) == ("canceled", D(2))
    desk.bar("100", "101", "99", "100", 1000)
    assert desk.held == (D(2), D(100))
    assert desk.orders(reduce_only=True) == [("stop_loss", "open", D(2), D(0))]


def test_an_ioc_order_ends_with_what_it_got_and_says_why(desk):
    order = desk.place(time_in_force=TimeInForce.IOC)
    desk.bar("100", "101", "99", "100", 20)
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.reason_code) == ("canceled", D(2), "venue_canceled")
    assert "at once" in order.reason


def test_a_manual_close_in_parts_takes_the_protection_along(desk):
    desk.place(stop_loss="95", take_profit="110")
    desk.bar("100", "101", "99", "100", 1000)
    desk.place("sell", "5", reduce_only=True)
    desk.bar("100", "101", "99", "100", 20)
    assert desk.held[0] == 3
    assert desk.orders(role="stop_loss") == [("stop_loss", "open", D(3), D(0))]
    desk.bar("100", "101", "99", "100", 1000)
    assert desk.held[0] == 0
    assert {status for _, status, _, _ in desk.orders(parent__isnull=False)} == {"canceled"}
