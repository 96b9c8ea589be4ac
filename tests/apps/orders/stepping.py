"""A desk that is stepped by hand: orders are settled when told, candles and the venue's words come one by one."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal as D

import pytest

from algotrendy.trading.broker import ExecutionReport, ReportKind
from algotrendy.trading.candles import Bar
from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side, Timeframe
from apps.orders.models import Order, OrderClass
from apps.orders.services.entry.listing import order_list_place
from apps.orders.services.entry.placing import order_place
from apps.orders.services.holdings.filling import report_apply
from apps.orders.services.market.trading import bar_trade
from apps.orders.services.venue.settling import order_settle
from apps.portfolio.models import Position
from tests.builders import MARKET_TIME, make_candles_rows, make_connection, make_instrument, make_portfolio

HOUR = timedelta(hours=1)
FIGURES = ("limit_price", "stop_price", "stop_loss", "take_profit", "notional", "trail_amount", "trail_percent")


def intent(side="buy", quantity="5", kind="limit", **more):
    figures = {name: D(more.pop(name)) for name in FIGURES if name in more}
    return OrderIntent(Side(side), OrderType(kind), D(quantity), **figures, **more)


class Stepped:
    """A portfolio of 10,000 USD without fees, and an instrument at 100; its venue is the paper venue."""

    def __init__(self, owner, **connection):
        self.owner = owner
        self.connection = make_connection(owner, commission_rate=D(0), slippage_rate=D(0), **connection)
        self.portfolio = make_portfolio(owner, connection=self.connection)
        self.instrument = make_instrument()
        if not self.instrument.candles.exists():
            make_candles_rows(self.instrument, [100], start=MARKET_TIME - HOUR)
        self.now = MARKET_TIME
        self.trades = itertools.count(1)

    def place(self, *args, client_order_id=None, send=True, **more):
        placement = order_place(
            portfolio=self.portfolio,
            instrument=self.instrument,
            intent=intent(*args, **more),
            actor=self.owner,
            client_order_id=client_order_id,
        )
        return self.settle(placement.order) if send else placement.order

    def link(self, order_class, *intents, client_order_id="list", send=True):
        placement = order_list_place(
            portfolio=self.portfolio,
            instrument=self.instrument,
            order_class=OrderClass(order_class),
            intents=intents,
            actor=self.owner,
            client_order_id=client_order_id,
        )
        return [self.settle(order) for order in placement.orders] if send else placement.orders

    def settle(self, *orders):
        """Let a worker look at the orders, as the tasks that were enqueued for them would."""
        found = [order_settle(order_id=order.pk) for order in orders]
        return found[0] if len(found) == 1 else found

    def settle_all(self):
        """Let the sweep find what is left to tell the venue."""
        for order in Order.objects.order_by("created_at", "id"):
            order_settle(order_id=order.pk)

    def fill(self, order, quantity, price="100"):
        """Tell of a fill as a venue would."""
        return self.say(order, ReportKind.FILLED, quantity=D(quantity), price=D(price))

    def say(self, order, kind, **more):
        trade = {"trade_id": f"t{next(self.trades)}"} if kind is ReportKind.FILLED else {}
        report = ExecutionReport(kind, order.client_order_id, self.now, **trade, **more)
        return report_apply(connection=self.connection, report=report)

    def bar(self, o, h, lo, c):
        bar = Bar("BTC/USD", Timeframe.H1, self.now, D(o), D(h), D(lo), D(c), D(1000))
        bar_trade(instrument=self.instrument, bar=bar, window=lambda until, length: pytest.fail("no strategy runs"))
        self.now += HOUR

    @property
    def position(self):
        return Position.objects.filter(portfolio=self.portfolio).latest("created_at")


def state(order):
    """Return status, quantity and filled quantity of the order as it is now."""
    order.refresh_from_db()
    return order.status, order.quantity, order.filled_quantity


def kinds(order):
    return list(order.events.order_by("version").values_list("kind", flat=True))
