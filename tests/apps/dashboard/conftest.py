"""A full set of rows of one trader, and console clients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.orders.models import Fill, Order
from apps.portfolio.models import EquitySnapshot, Portfolio, Position
from apps.strategies.models import Signal, Strategy, StrategyPerformance, StrategyVersion
from tests.builders import (
    make_fill,
    make_order,
    make_paper_order,
    make_paper_trade,
    make_performance,
    make_portfolio,
    make_position,
    make_signal,
    make_snapshot,
    make_strategy,
)

type ConsoleFor = Callable[[User], Client]


@pytest.fixture
def console_for() -> ConsoleFor:
    """Return a function that gives a browser-like client signed in as the user."""

    def make(user: User, **options: bool) -> Client:
        client = Client(**options)
        client.force_login(user)
        return client

    return make


@dataclass(frozen=True)
class Book:
    """One trader's rows: an open order and a filled one, a position, a strategy with its signal, version and comparison
    with a backtest, a snapshot.
    """

    owner: User
    portfolio: Portfolio
    strategy: Strategy
    signal: Signal
    order: Order
    filled: Order
    fill: Fill
    position: Position
    snapshot: EquitySnapshot
    version: StrategyVersion
    performance: StrategyPerformance


def book_of(owner: User, name: str = "Main") -> Book:
    portfolio = make_portfolio(owner, name)
    strategy = make_strategy(portfolio, f"Reversion of {owner.username}")
    signal = make_signal(strategy)
    order = make_order(portfolio, client_order_id=f"open-{owner.username}-{name}", strategy=strategy)
    filled = make_order(
        portfolio, client_order_id=f"filled-{owner.username}-{name}", status="filled", filled_quantity=Decimal(1),
        strategy=strategy, signal=signal, role="entry",
    )  # fmt: skip
    position = make_position(portfolio, book=strategy.slug)
    fill = make_fill(filled, position=position)
    make_paper_trade(make_paper_order(portfolio.connection))
    snapshot = make_snapshot(portfolio)
    return Book(
        owner, portfolio, strategy, signal, order, filled, fill, position, snapshot, strategy.versions.get(),
        make_performance(strategy),
    )  # fmt: skip


@pytest.fixture
def book(trader: User) -> Book:
    return book_of(trader)


@pytest.fixture
def other_book(other_trader: User) -> Book:
    return book_of(other_trader)
