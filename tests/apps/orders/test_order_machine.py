"""Random lives of orders against a ledger in plain Python: fills in part, late, doubled and out of order, cancels.

The venue's reports are put into a letter box and delivered in any order, any number of times, or not at all. Whatever
comes of it, the platform's money, positions, quantities and statuses are those that the ledger works out by itself.
"""

from datetime import timedelta
from decimal import Decimal as D
from fractions import Fraction
from unittest import mock

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from algotrendy.trading.broker import ExecutionReport, ReportKind
from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import BrokerUnavailable
from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side, Timeframe, TimeInForce
from apps.brokers.adapters.paper import PaperGateway
from apps.orders.models import Fill, Order
from apps.orders.services.entry.canceling import OrderNotCancelable, order_cancel
from apps.orders.services.entry.placing import Origin, order_place
from apps.orders.services.holdings.filling import report_apply
from apps.orders.services.venue.settling import order_settle, orders_settle
from apps.orders.services.venue.waiting import waiting_settle
from apps.portfolio.models import Portfolio, Position
from tests.apps.orders.plain_ledger import ENDED, SEEN, Expected, Ledger
from tests.builders import MARKET_TIME, make_candles_rows, make_connection, make_instrument, make_portfolio

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
SIDES, BOOKS = st.sampled_from(["buy", "sell"]), st.sampled_from(["manual", "manual", "other"])


class Orders(RuleBasedStateMachine):
    def __init__(self, trader):
        super().__init__()
        self.atom = transaction.atomic()
        self.atom.__enter__()
        self.trader, self.instrument = trader, make_instrument()
        self.connection = make_connection(trader, volume_share=D("0.1"))
        self.portfolio = make_portfolio(trader, connection=self.connection, initial_cash=D(100_000))
        self.portfolio.risk_profile.enabled = False
        self.portfolio.risk_profile.save()
        make_candles_rows(self.instrument, [100], start=MARKET_TIME - HOUR)
        self.ledger, self.now = Ledger(), MARKET_TIME
        self.box, self.delivered, self.applied, self.trades, self.known = [], [], [], {}, set()

    def teardown(self):
        transaction.set_rollback(True)
        self.atom.__exit__(None, None, None)

    def row(self, name):
        return Order.objects.get(client_order_id=name)

    def working(self):
        return {name for name, order in self.ledger.orders.items() if order.status not in ENDED}

    @rule(
        side=SIDES,
        kind=st.sampled_from(["market", "market", "ioc", "limit", "stop"]),
        tenths=st.integers(1, 50),
        distance=st.integers(1, 3),
        book=BOOKS,
        sent=st.sampled_from(["alone", "together", "by its task", "silently", "not yet"]),
    )
    def place(self, side, kind, tenths, distance, book, sent):
        name = self._place(side, kind, D(tenths) / 10, distance, book)
        if sent == "alone":
            self._settle(name)
        elif sent in ("together", "by its task"):
            self._settle_with_others(name, sent)
        elif sent == "silently":
            self._send_to_a_venue_that_takes_the_order_and_does_not_answer(name)

    def _place(self, side, kind, quantity, distance, book):
        name, sign = f"order-{len(self.ledger.orders)}", 1 if side == "buy" else -1
        intent = OrderIntent(
            Side(side),
            OrderType("market" if kind == "ioc" else kind),
            quantity,
            limit_price=D(100 - sign * distance) if kind == "limit" else None,
            stop_price=D(100 + sign * distance) if kind == "stop" else None,
            time_in_force=TimeInForce.IOC if kind == "ioc" else TimeInForce.GTC,
        )
        order_place(
            portfolio=self.portfolio, instrument=self.instrument, intent=intent, actor=self.trader,
            client_order_id=name, origin=Origin(book=book),
        )  # fmt: skip
        self.ledger.orders[name] = Expected(side, quantity, book)
        return name

    def _settle_with_others(self, name, way):
        """Settle the order with all that work, or as its task does, which sends with it whatever else waits."""
        waiting = [other for other, order in self.ledger.orders.items() if order.base == "pending"]
        if way == "together":
            names = list(dict.fromkeys([name, *sorted(self.working())]))
            assert orders_settle([self.row(other) for other in names]) == len(names)
        else:
            names = waiting if name in waiting else [name]
            waiting_settle(order_id=self.row(name).pk)
        if len(set(names) & set(waiting)) > 1:
            SEEN["sent together"] += 1
        for other in names:
            self._note_settled(other)

    def _settle(self, name):
        order_settle(order_id=self.row(name).pk)
        self._note_settled(name)

    def _note_settled(self, name):
        order = self.ledger.orders[name]
        if order.base == "pending":
            order.base, order.at_venue = "open", "open"
        elif order.base == "submitted" and not order.filled and order.at_venue != "filled":
            SEEN[f"adopted {order.at_venue}"] += 1
            order.base = order.at_venue  # It is asked about, and adopted as it is.

    def _send_to_a_venue_that_takes_the_order_and_does_not_answer(self, name):
        sent = PaperGateway.submit_order

        def silent(gateway, request):
            sent(gateway, request)
            raise BrokerUnavailable("time-out")

        with mock.patch.object(PaperGateway, "submit_order", silent):
            order_settle(order_id=self.row(name).pk)
        order = self.ledger.orders[name]
        order.base, order.at_venue = "submitted", "open"

    @precondition(lambda self: self.working())
    @rule(
        prices=st.lists(st.integers(97, 103), min_size=4, max_size=4),
        volume=st.sampled_from([60, 30, 15, 5, 0]),
        data=st.data(),
    )
    def market_moves(self, prices, volume, data):
        """Let the venue trade, which the platform hears of later, in part and in any order."""
        span = map(D, (prices[0], max(prices), min(prices), prices[1], volume))
        bar = Bar("BTC/USD", Timeframe.H1, self.now, *span)
        self.now += HOUR
        gateway = PaperGateway(self.connection)
        while reports := gateway.match_next(self.instrument.spec, bar):
            for report in reports:
                self.box.append(report)
                self._note(report)
        self._deliver_some(data)

    def _note(self, report):
        order = self.ledger.orders[report.client_order_id]
        if report.kind is ReportKind.FILLED:
            self.trades[report.trade_id] = report
            traded = sum(t.quantity for t in self.trades.values() if t.client_order_id == report.client_order_id)
            order.at_venue = "filled" if traded == order.quantity else order.at_venue
        elif report.kind is not ReportKind.TRIGGERED:
            order.at_venue = report.kind.value

    def _deliver_some(self, data):
        for _ in range(data.draw(st.integers(0, len(self.box)))):
            report = self.box.pop(data.draw(st.integers(0, len(self.box) - 1)))
            self.delivered.append(report)
            self._deliver(report)

    @precondition(lambda self: self.box or self.delivered)
    @rule(data=st.data())
    def post_comes(self, data):
        self._deliver_some(data)
        stray = ExecutionReport(ReportKind.FILLED, "never-placed", self.now, "", "stray", D(100), D(1), D(0))
        assert report_apply(connection=self.connection, report=stray) is None
        again = [report for report in self.delivered if report.kind is not ReportKind.TRIGGERED]
        if again:
            SEEN["again"] += 1
            self._deliver(data.draw(st.sampled_from(again)))

    def _deliver(self, report):
        order = self.ledger.orders[report.client_order_id]
        if report.kind is ReportKind.FILLED and report.trade_id not in self.applied:
            self.applied.append(report.trade_id)
            SEEN[f"fill of {order.status}"] += 1
        report_apply(connection=self.connection, report=report)
        if report.kind in (ReportKind.CANCELED, ReportKind.EXPIRED) and order.status not in ENDED:
            order.base = report.kind.value
        self._take_over_fills()

    @precondition(lambda self: self.ledger.orders)
    @rule(
        data=st.data(),
        what=st.sampled_from(["settle", "together", "by its task", "cancel", "replace"]),
        distance=st.integers(1, 3),
    )
    def somebody_acts(self, data, what, distance):
        """Settle, cancel or replace an order: put another in its place, of what remains once its end is certain."""
        unheard = [report.client_order_id for report in self.box]  # Of these there is more to be got wrong.
        name = data.draw(st.sampled_from(unheard or list(self.ledger.orders)[-6:]))
        order = self.ledger.orders[name]
        if what == "settle":
            self._settle(name)
        elif what in ("together", "by its task"):
            self._settle_with_others(name, what)
        elif order.status in ENDED:
            with pytest.raises(OrderNotCancelable):
                order_cancel(order=self.row(name), actor=self.trader)
        else:
            self._cancel(name)
            if what == "replace" and order.status == "canceled":
                self._place(order.side, "limit", order.quantity - order.filled, distance, order.book)

    def _cancel(self, name):
        order = self.ledger.orders[name]
        order_cancel(order=self.row(name), actor=self.trader)
        if order.base == "pending":
            order.base = "canceled"
            return
        self._settle(name)
        if order.status not in ENDED and order.at_venue == "open":
            order.at_venue = "canceled"
        if order.status not in ENDED and order.at_venue in ("canceled", "expired"):
            order.base = order.at_venue  # The venue's answer to the cancel tells how it ended.

    @invariant()
    def everything_is_as_the_ledger_says(self):
        self._take_over_fills()
        portfolio, ledger = Portfolio.objects.get(pk=self.portfolio.pk), self.ledger
        assert (portfolio.cash, portfolio.fees_paid) == (ledger.cash, ledger.fees)
        assert abs(Fraction(portfolio.realized_pnl) - ledger.realized) < Fraction(1, 10**6)
        positions = list(Position.objects.filter(portfolio=portfolio))
        basis = sum(position.cost_basis for position in positions)
        assert portfolio.cash + basis == 100_000 + portfolio.realized_pnl - portfolio.fees_paid
        assert sum(position.realized_pnl for position in positions) == portfolio.realized_pnl
        assert sum(position.fees_paid for position in positions) == portfolio.fees_paid
        held = {position.book: position for position in positions if position.closed_at is None}
        for book in ("manual", "other"):
            assert (held[book].quantity if book in held else 0) == ledger.held[book]
            if book in held:
                entry = ledger.cost[book] / ledger.held[book]
                assert abs(Fraction(held[book].entry_price) - entry) < Fraction(1, 10**4)
        rows = Order.objects.filter(portfolio=portfolio)
        seen = {order.client_order_id: (order.status, order.filled_quantity) for order in rows}
        assert seen == {name: (order.status, order.filled) for name, order in ledger.orders.items()}

    def _take_over_fills(self):
        """Give the ledger the trades that the platform has written down, in its order, with the venue's own figures."""
        for fill in (
            Fill.objects.filter(order__portfolio=self.portfolio).exclude(pk__in=self.known).order_by("created_at")
        ):
            self.known.add(fill.pk)
            self.ledger.fill(self.trades[fill.exchange_trade_id])
        told = {report.trade_id for report in self.delivered if report.kind is ReportKind.FILLED}
        kept = list(Fill.objects.filter(order__portfolio=self.portfolio).values_list("exchange_trade_id", flat=True))
        assert len(kept) == len(set(kept))
        assert told <= set(kept)


def run(trader, **bounds):
    SEEN.clear()
    checks = list(HealthCheck)
    run_state_machine_as_test(
        lambda: Orders(trader), settings=settings(deadline=None, suppress_health_check=checks, **bounds)
    )
    happened = {
        "fill of submitted",
        "fill of partially_filled",
        "fill of canceled",
        "again",
        "close",
        "flip",
        "sent together",
    }
    assert happened <= SEEN.keys(), SEEN


@pytest.mark.timeout(600)
def test_any_life_of_orders_comes_to_what_a_plain_ledger_says(trader):
    """The same lives each time, told as they failed: making them shorter is for the long run."""
    run(trader, max_examples=14, stateful_step_count=35, derandomize=True, phases=[Phase.generate])


@pytest.mark.long
def test_many_long_lives_of_orders_come_to_what_a_plain_ledger_says(trader):
    run(trader, max_examples=300, stateful_step_count=60)
