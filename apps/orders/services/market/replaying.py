"""Trading a stretch of history: the live path, candle by candle, on a private copy of a portfolio."""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from algotrendy.trading.candles import Bar, Candles
from algotrendy.trading.errors import TradingError
from algotrendy.trading.orders import OrderStatus
from apps.brokers.models import BrokerConnection
from apps.marketdata.models import Instrument
from apps.marketdata.selectors import bars, candles_window
from apps.orders.models import Fill, Order
from apps.orders.services.market.trading import bar_trade
from apps.portfolio.models import Portfolio
from apps.portfolio.selectors import PortfolioSummary, Scope, portfolio_summary
from apps.portfolio.services import portfolio_create
from apps.strategies.models import Signal
from apps.strategies.selectors import window_length
from apps.strategies.services import strategy_copy

type Progress = Callable[[Bar], None]


class NothingToReplay(TradingError):
    """The portfolio or the period holds nothing that could be traded."""

    code = "nothing_to_replay"


@dataclass(frozen=True, slots=True)
class Series:
    """The candles that a replay trades: one instrument and timeframe."""

    instrument: Instrument
    timeframe: str
    length: int
    """How many candles the longest-sighted strategy on it sees."""


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay came to. `fingerprint` is the same for the same trades at the same prices, to the last digit."""

    portfolio: Portfolio
    summary: PortfolioSummary
    candles: int
    signals: int
    orders: int
    filled: int
    canceled: int
    denied: int
    fills: int
    fingerprint: str


def replay_series(*, portfolio: Portfolio, source: str, start: datetime | None, end: datetime | None) -> list[Series]:
    """Return what the portfolio's enabled strategies would be shown; raise NothingToReplay where that is nothing."""
    strategies = list(portfolio.strategies.filter(enabled=True).select_related("instrument").order_by("slug"))
    if not strategies:
        raise NothingToReplay(f"{portfolio} has no enabled strategy; enable one first.")
    lengths: dict[tuple[Instrument, str], int] = {}
    for strategy in strategies:
        key = (strategy.instrument, strategy.timeframe)
        lengths[key] = max(lengths.get(key, 0), window_length(strategy))
    found = [Series(instrument, timeframe, length) for (instrument, timeframe), length in lengths.items()]
    for series in found:
        if next(_bars(series, source, start, end), None) is None:
            raise NothingToReplay(
                f"There are no {series.timeframe} candles of {series.instrument} from source {source} "
                f"in that period; import them with manage.py import_candles."
            )
    return sorted(found, key=lambda series: (series.instrument.symbol, series.timeframe))


def replay_trade(
    *,
    portfolio: Portfolio,
    source: str,
    start: datetime | None,
    end: datetime | None,
    progress: Progress = lambda bar: None,
) -> ReplayResult:
    """Trade the stored candles with a copy of the portfolio and of its enabled strategies; return what came of it.

    `start` is inclusive and `end` exclusive, both on open times. Candles of all series are merged by the time at
    which they close. Raises NothingToReplay.
    """
    found = replay_series(portfolio=portfolio, source=source, start=start, end=end)
    copy = _copy(portfolio)
    scope = Scope(copy.pk)
    windows = {series: _Window(series, source, start, end) for series in found}
    count = 0
    for bar, series in _merged(found, source, start, end):
        bar_trade(instrument=series.instrument, bar=bar, window=windows[series], scope=scope)
        progress(bar)
        count += 1
    return _result(copy, count)


class _Window:
    """All candles of a series in memory, cut to what had opened by a time."""

    def __init__(self, series: Series, source: str, start: datetime | None, end: datetime | None) -> None:
        first = start or datetime(1970, 1, 1, tzinfo=UTC)
        history = candles_window(
            instrument=series.instrument,
            timeframe=series.timeframe,
            source=source,
            until=end,
            length=10_000_000,
        )
        opened_before = int(history.time.searchsorted(int(first.timestamp())))
        self.candles = history.tail(len(history) - max(opened_before - series.length, 0))

    def __call__(self, until: datetime, length: int) -> Candles:
        count = int(self.candles.time.searchsorted(int(until.timestamp()), side="right"))
        return self.candles.head(count).tail(length)


def _merged(
    found: list[Series], source: str, start: datetime | None, end: datetime | None
) -> Iterator[tuple[Bar, Series]]:
    streams = [[(bar, series) for bar in _bars(series, source, start, end)] for series in found]
    return heapq.merge(*streams, key=lambda pair: (pair[0].close_time, pair[0].symbol, pair[0].timeframe))


def _bars(series: Series, source: str, start: datetime | None, end: datetime | None) -> Iterator[Bar]:
    return bars(instrument=series.instrument, timeframe=series.timeframe, source=source, start=start, end=end)


@transaction.atomic
def _copy(portfolio: Portfolio) -> Portfolio:
    """Make a simulation that starts with the portfolio's initial cash, its costs, limits and enabled strategies."""
    name = f"{portfolio.name[:60]} replay {timezone.now():%Y-%m-%d %H:%M:%S.%f}"
    connection = portfolio.connection
    account = BrokerConnection.objects.create(
        owner=portfolio.owner,
        name=name,
        commission_rate=connection.commission_rate,
        slippage_rate=connection.slippage_rate,
    )
    copy = portfolio_create(
        owner=portfolio.owner,
        name=name,
        connection=account,
        base_currency=portfolio.base_currency,
        initial_cash=portfolio.initial_cash,
        is_simulation=True,
    )
    limits = portfolio.risk_profile
    copy.risk_profile.allowed_instruments.set(limits.allowed_instruments.all())
    limits.pk, limits.portfolio = copy.risk_profile.pk, copy
    limits.save(force_update=True)
    for strategy in portfolio.strategies.filter(enabled=True).order_by("slug"):
        strategy_copy(strategy=strategy, portfolio=copy)
    return Portfolio.objects.get(pk=copy.pk)


def _result(portfolio: Portfolio, candles: int) -> ReplayResult:
    portfolio.refresh_from_db()
    orders = Order.objects.filter(portfolio=portfolio)
    by_status = orders.aggregate(
        orders=Count("pk"),
        filled=Count("pk", filter=Q(status=OrderStatus.FILLED)),
        canceled=Count("pk", filter=Q(status=OrderStatus.CANCELED)),
        denied=Count("pk", filter=Q(status=OrderStatus.DENIED)),
    )
    return ReplayResult(
        portfolio=portfolio,
        summary=portfolio_summary(portfolio),
        candles=candles,
        signals=Signal.objects.filter(strategy__portfolio=portfolio).count(),
        fills=Fill.objects.filter(order__portfolio=portfolio).count(),
        fingerprint=trades_fingerprint(portfolio),
        **by_status,
    )


def trades_fingerprint(portfolio: Portfolio) -> str:
    """Return a digest of the portfolio's orders and fills, without ids and clock times, and of its final cash."""
    orders = Order.objects.filter(portfolio=portfolio)
    order_fields = ["instrument__symbol", "book", "role", "side", "type", "status", "quantity", "stop_price"]
    fills = Fill.objects.filter(order__portfolio=portfolio)
    fill_fields = ["order__instrument__symbol", "order__book", "order__role", "side", "price", "quantity", "fee"]
    rows = [
        sorted(map(_text, orders.values_list("active_from", *order_fields))),
        sorted(map(_text, fills.values_list("executed_at", *fill_fields, "realized_pnl"))),
        _text((portfolio.cash, portfolio.realized_pnl, portfolio.fees_paid)),
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def _text(row: tuple[object, ...]) -> list[str]:
    return [f"{value:f}" if isinstance(value, Decimal) else str(value) for value in row]
