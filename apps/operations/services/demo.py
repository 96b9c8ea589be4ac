"""The demonstration: real candles, a paper portfolio and strategies at work on them."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.db import transaction

from apps.accounts.models import Role, User
from apps.accounts.services import user_create
from apps.brokers.services import paper_connection_create
from apps.marketdata import datasets
from apps.marketdata.models import Feed, Instrument, Source
from apps.marketdata.services.priming import feed_prime
from apps.orders.services.market.trading import feed_start
from apps.portfolio.models import Portfolio
from apps.portfolio.services import portfolio_create
from apps.strategies.models import Strategy
from apps.strategies.services import strategy_create, strategy_enable

USERNAME = "demo"
PORTFOLIO = "Demo"
INITIAL_CASH = Decimal(100_000)
REPLAY_FROM = datetime(2017, 3, 1, tzinfo=UTC)
SPEED = 3600.0
"""An hour of the market in a second of the clock."""
STRATEGIES: tuple[tuple[str, str, str, str, dict[str, object], dict[str, object]], ...] = (
    ("EUR/USD trend", "sma_cross", "EUR/USD", "1h", {"fast": 10, "slow": 30}, {"direction": "both"}),
    ("EUR/USD reversion", "rsi", "EUR/USD", "1h", {}, {}),
    ("EUR/USD MACD", "macd", "EUR/USD", "1h", {"threshold": 0.0002}, {}),
    ("EUR/USD value", "vwap", "EUR/USD", "1h", {"deviation": 0.4}, {}),
    ("GOOGL trend", "sma_cross", "GOOGL", "1d", {"fast": 5, "slow": 20}, {}),
    ("GOOGL money flow", "mfi", "GOOGL", "1d", {"oversold": 40.0, "overbought": 70.0}, {}),
    ("GOOGL momentum", "momentum", "GOOGL", "1d", {"buy_threshold": 1.0, "sell_threshold": -1.0}, {}),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demonstration made; `password` is known only when this call made the trader."""

    user: User
    password: str | None

    def __str__(self) -> str:
        sign_in = (
            f"password {self.password}" if self.password else "with the password that was shown at the first start"
        )
        return f"Demo trader: {self.user.username}, {sign_in}."


def install() -> Demo:
    """Make what is missing of the demonstration, and leave what is there as it is."""
    datasets.install()
    with transaction.atomic():
        user, password = _trader()
        portfolio = Portfolio.objects.filter(owner=user, name=PORTFOLIO).first() or _portfolio(user)
        if not portfolio.strategies.exists():
            _strategies(portfolio)
    for symbol, timeframe in {(symbol, timeframe) for _, _, symbol, timeframe, _, _ in STRATEGIES}:
        _feed(symbol, timeframe)
    return Demo(user, password)


def _trader() -> tuple[User, str | None]:
    known = User.objects.filter(username=USERNAME).first()
    if known is not None:
        return known, None
    chosen = os.environ.get("DEMO_PASSWORD", "")
    password = chosen or secrets.token_urlsafe(12)
    user = user_create(username=USERNAME, email="demo@localhost.local", password=password, role=Role.TRADER)
    return user, None if chosen else password


def _portfolio(user: User) -> Portfolio:
    connection = paper_connection_create(owner=user, name="Paper")
    return portfolio_create(owner=user, name=PORTFOLIO, connection=connection, initial_cash=INITIAL_CASH)


def _strategies(portfolio: Portfolio) -> None:
    for name, rule, symbol, timeframe, parameters, options in STRATEGIES:
        strategy: Strategy = strategy_create(
            portfolio=portfolio,
            name=name,
            rule=rule,
            instrument=Instrument.objects.get(symbol=symbol),
            timeframe=timeframe,
            parameters=parameters,
            **options,
        )
        strategy_enable(strategy=strategy)


@transaction.atomic
def _feed(symbol: str, timeframe: str) -> None:
    """Start the replay at its first day, with the candles before it as history."""
    instrument = Instrument.objects.get(symbol=symbol)
    feed, is_new = Feed.objects.get_or_create(
        instrument=instrument,
        timeframe=timeframe,
        source=Source.REPLAY,
        defaults={"origin": Source.CSV, "speed": SPEED},
    )
    if is_new:
        feed_prime(feed=feed, until=REPLAY_FROM)
        feed_start(feed=feed, after=feed.position)
