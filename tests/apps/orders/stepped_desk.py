"""A desk whose market is stepped by hand: candle by candle, or price by price within one."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from algotrendy.trading.broker import VenueTraits
from algotrendy.trading.candles import Bar
from algotrendy.trading.orders import OrderIntent
from algotrendy.trading.values import OrderType, Side, Timeframe
from apps.accounts.models import User
from apps.orders.models import Order
from apps.orders.services.entry.placing import order_place
from apps.orders.services.market.trading import bar_trade
from apps.orders.services.market.watching import Tick, price_seen
from apps.orders.services.venue.settling import order_settle
from apps.portfolio.models import Portfolio, Position
from tests.builders import MARKET_TIME, make_candles_rows, make_connection, make_instrument, make_portfolio

HOUR = timedelta(hours=1)
PLAIN_TRAITS = VenueTraits(
    deduplicates=True,
    groups=False,
    reduces=False,
    rests=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.TAKE_PROFIT}),
)
"""A venue that knows neither trailing stops, stop-limits nor groups, and makes no order smaller."""


def no_strategies(until: datetime, length: int) -> Any:
    raise AssertionError("No strategy runs here.")


class SteppedDesk:
    """A portfolio of 10,000 USD that pays nothing for trading, and an instrument at 100."""

    def __init__(self, owner: User, name: str = "Main", **connection: Any) -> None:
        self.owner = owner
        rates = {"commission_rate": Decimal(0), "slippage_rate": Decimal(0), **connection}
        self.portfolio = make_portfolio(owner, name, connection=make_connection(owner, **rates))
        self.instrument = make_instrument()
        if not self.instrument.candles.exists():
            make_candles_rows(self.instrument, [100], start=MARKET_TIME - HOUR)
        self.now = MARKET_TIME

    def place(self, side: str = "buy", quantity: str = "5", kind: str = "market", **more: Any) -> Order:
        prices = {name: Decimal(value) if isinstance(value, str) else value for name, value in more.items()}
        intent = OrderIntent(Side(side), OrderType(kind), Decimal(quantity), **prices)
        placement = order_place(portfolio=self.portfolio, instrument=self.instrument, intent=intent, actor=self.owner)
        order_settle(order_id=placement.order.pk)
        return self.order(placement.order)

    def bar(self, o: str, h: str, lo: str, c: str) -> None:
        bar = Bar("BTC/USD", Timeframe.H1, self.now, *map(Decimal, (o, h, lo, c)), Decimal(1000))
        bar_trade(instrument=self.instrument, bar=bar, window=no_strategies)
        self.now += HOUR

    def flat_bar(self, price: str) -> None:
        self.bar(price, price, price, price)

    def tick(self, price: str, at: datetime | None = None) -> None:
        price_seen(instrument=self.instrument, seen=Tick(Decimal(price), at or self.now).seen)

    def settle(self) -> None:
        """Do what the workers' queue would: settle everything that works."""
        for order in self.orders():
            order_settle(order_id=order.pk)

    def hold(self, side: str = "buy", quantity: str = "5", price: str = "100", **more: Any) -> Position:
        """Enter a position at the open of a candle at this price."""
        self.place(side, quantity, **more)
        self.flat_bar(price)
        return self.position

    def order(self, order: Order) -> Order:
        return Order.objects.get(pk=order.pk)

    def orders(self, **filters: Any) -> list[Order]:
        return list(Order.objects.filter(portfolio=self.portfolio, **filters).order_by("created_at", "id"))

    @property
    def position(self) -> Position:
        return Position.objects.filter(portfolio=self.portfolio).latest("created_at")

    @property
    def money(self) -> Portfolio:
        return Portfolio.objects.get(pk=self.portfolio.pk)
