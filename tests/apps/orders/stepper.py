"""A desk that is stepped by hand: orders are placed and settled, and candles told one after another."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from algotrendy.trading.candles import Bar
from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side, Timeframe
from apps.orders.services.entry.placing import Origin, order_place
from apps.orders.services.market.trading import bar_trade
from apps.orders.services.venue.settling import order_settle
from apps.portfolio.models import Portfolio, RiskProfile
from apps.portfolio.selectors import LIVE
from tests.builders import MARKET_TIME, make_candles_rows, make_connection, make_instrument, make_portfolio

HOUR = timedelta(hours=1)


class Stepper:
    """A portfolio of 10,000 USD that trades without costs, all of it in one position if it likes, at 100."""

    def __init__(self, owner, name="Main", **limits):
        self.owner = owner
        connection = make_connection(owner, commission_rate=D(0), slippage_rate=D(0))
        self.portfolio = make_portfolio(owner, name, connection=connection)
        wide = {"max_position_size_percent": D(100), "max_total_exposure_percent": D(100)}
        RiskProfile.objects.filter(portfolio=self.portfolio).update(**{**wide, **limits})
        self.instrument = make_instrument()
        if not self.instrument.candles.exists():
            make_candles_rows(self.instrument, [100], start=MARKET_TIME - HOUR)
        self.now = MARKET_TIME

    def commit(self, side="buy", quantity="5", kind="market", *, book="manual", instrument=None, **more):
        """Place an order, which is committed and not yet sent."""
        prices = ("limit_price", "stop_price", "stop_loss", "take_profit")
        more = {name: D(value) if name in prices else value for name, value in more.items()}
        return order_place(
            portfolio=self.portfolio,
            instrument=instrument or self.instrument,
            intent=OrderIntent(Side(side), OrderType(kind), D(quantity), **more),
            actor=self.owner,
            origin=Origin(book=book),
        ).order

    def place(self, *args, **more):
        """Place an order and send it."""
        return order_settle(order_id=self.commit(*args, **more).pk)

    def bar(self, opening, high=None, low=None, close=None, scope=LIVE):
        """Tell the next hour's candle; one price is all four."""
        prices = [D(opening if price is None else price) for price in (opening, high, low, close)]
        bar = Bar("BTC/USD", Timeframe.H1, self.now, *prices, D(1000))
        bar_trade(
            instrument=self.instrument,
            bar=bar,
            window=lambda until, length: pytest.fail("no strategy runs"),
            scope=scope,
        )
        self.now += HOUR

    @property
    def account(self):
        return Portfolio.objects.get(pk=self.portfolio.pk)
