"""Who trades in the benchmark: users with a paper portfolio each, an instrument, its feed, and how rows are counted."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import connection

from algotrendy.trading.candles import Bar
from algotrendy.trading.values import Timeframe
from apps.accounts.models import AuditEvent, Role, User
from apps.accounts.services import session_begin, user_create
from apps.brokers.models import PaperOrder, PaperTrade
from apps.brokers.services import paper_connection_create
from apps.marketdata.models import Feed, Instrument
from apps.marketdata.services.arriving import candle_arrived
from apps.marketdata.services.instruments import instrument_create
from apps.orders.models import Fill, Order, OrderEvent
from apps.orders.services.market.trading import feed_start
from apps.portfolio.models import Portfolio, Position, RiskProfile
from apps.portfolio.services import portfolio_create

START = datetime(2005, 1, 1, tzinfo=UTC)
FRAME = Timeframe.M1
PRICE = Decimal(100)
EMPTIED = (
    "orders_order", "orders_orderevent", "orders_fill", "brokers_paperorder", "brokers_papertrade",
    "portfolio_position", "portfolio_equitysnapshot", "strategies_signal", "strategies_strategy", "marketdata_candle",
    "accounts_auditevent", "marketdata_feed",
)  # fmt: skip
INSERTED = (Order, OrderEvent, Fill, PaperOrder, PaperTrade, Position, AuditEvent)
"""What an order leaves behind. Celery's own results and candles are not counted."""
CHANGED = ("orders_order", "brokers_paperorder", "portfolio_portfolio")
"""Where orders change rows. They change positions too, but so does every candle, for which they are not to count."""
STATISTICS_SECONDS = 11
"""After how long the server tells of everything that a connection has done which is idle by then."""


@dataclass(frozen=True)
class Trader:
    portfolio: Portfolio
    token: str


def emptied() -> None:
    """Delete what was traded."""
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(EMPTIED)} CASCADE")


def settled(*tables: str) -> None:
    """Let the server know what is in the tables."""
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {', '.join(tables or EMPTIED)}")


def instrument(symbol: str = "BENCH/USD") -> Instrument:
    found = Instrument.objects.filter(symbol=symbol).first()
    return found or instrument_create(
        symbol=symbol, asset_type="cryptocurrency", quote_currency="USD", price_tick=Decimal("0.01"),
        quantity_step=Decimal("0.0001"),
    )  # fmt: skip


def trader(name: str) -> Trader:
    """Return a user with a portfolio that no limit holds up, and the user's access token."""
    user = User.objects.filter(username=name).first() or user_create(
        username=name, email=f"{name}@example.com", password="a long passphrase 42", role=Role.TRADER
    )
    portfolio = Portfolio.objects.filter(owner=user).first()
    if portfolio is None:
        account = paper_connection_create(owner=user, name=f"Paper of {name}")
        cash = Decimal(1_000_000_000)
        portfolio = portfolio_create(owner=user, name="Main", connection=account, initial_cash=cash)
    RiskProfile.objects.filter(portfolio=portfolio).update(
        max_orders_per_minute=0, circuit_breaker=False, max_concurrent_positions=100
    )
    return Trader(portfolio, session_begin(user=user).access)


class Market:
    """A feed to which the next candle comes when it is told to, as a real one would give it."""

    def __init__(self) -> None:
        self.instrument = instrument()
        self.feed = Feed.objects.create(instrument=self.instrument, timeframe=FRAME, source="replay", speed=60)
        self._next = START
        feed_start(feed=self.feed, after=None)

    @property
    def newest(self) -> datetime:
        """When the newest candle opened."""
        return self._next - timedelta(minutes=1)

    def tick(self, price: Decimal = PRICE) -> None:
        """Store the next candle; its workers are told of it."""
        low, high = price - Decimal("0.5"), price + Decimal("0.5")
        bar = Bar(self.instrument.symbol, FRAME, self._next, price, high, low, price, Decimal(1_000_000))
        self._next += timedelta(minutes=1)
        candle_arrived(feed=self.feed, bar=bar)


@dataclass(frozen=True)
class Written:
    """Rows of the trading tables: orders, all rows inserted, and rows changed afterwards."""

    orders: int
    inserted: int
    changed: int

    def each_since(self, before: Written) -> tuple[float, float]:
        """Return how many rows an order has inserted and changed since then."""
        orders = self.orders - before.orders
        return (self.inserted - before.inserted) / orders, (self.changed - before.changed) / orders


def written() -> Written:
    """Count the rows so far; those changed by the server's own statistics, for which it is given time."""
    time.sleep(STATISTICS_SECONDS)
    inserted = {model: model._default_manager.count() for model in INSERTED}
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(n_tup_upd) FROM pg_stat_user_tables WHERE relname = ANY(%s)", [list(CHANGED)])
        (changed,) = cursor.fetchone()
    return Written(inserted[Order], sum(inserted.values()), int(changed))
