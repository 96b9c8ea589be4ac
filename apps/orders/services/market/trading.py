"""What a finished candle sets off: fills, marks, signals, orders; the same live and in a replay of history."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from algotrendy.trading.candles import Bar, Candles
from apps.brokers.adapters.paper import PaperGateway, paper_connections_met
from apps.brokers.models import BrokerConnection
from apps.common.gathering import gathered
from apps.marketdata.models import Feed, Instrument
from apps.marketdata.selectors import bars_after, candles_window
from apps.marketdata.selectors.feeds import STALE_AFTER
from apps.orders.models import Order, SeriesCursor
from apps.orders.selectors import is_unsettled, unsettled_orders
from apps.orders.services.holdings.accounts import Account
from apps.orders.services.holdings.filling import report_take
from apps.orders.services.market.watching import price_seen, seen_in
from apps.orders.services.signals.executing import signal_execute
from apps.orders.services.venue.settling import orders_settle
from apps.portfolio.models import Portfolio, Position
from apps.portfolio.selectors import LIVE, Scope
from apps.portfolio.services import equity_snapshot, halts_expire_by_market
from apps.strategies.selectors import strategies_to_run, window_length
from apps.strategies.services import strategies_hold, strategies_ran, strategy_evaluate

LOCK_SPACE = 0x5EED
"""The first key of the advisory locks that let one worker at a time trade a feed."""
TIME_BUDGET = 60.0
type Window = Callable[[datetime, int], Candles]
"""Returns the newest candles that had opened by a time, at most so many, oldest first."""


@dataclass(slots=True)
class Met:
    """What has come of an account's orders meeting a candle so far."""

    portfolio_ids: set[uuid.UUID] = field(default_factory=set)
    is_over: bool = False
    """Whether the candle does nothing more to them."""
    is_unsettled: bool = False
    """Whether the venue is to be told of something before they meet it further."""


def bar_trade(*, instrument: Instrument, bar: Bar, window: Window, scope: Scope = LIVE, is_late: bool = False) -> None:
    """Trade one finished candle; a second call for the same candle changes nothing.

    First the orders that were there meet the candle, then everything that watches the price sees its close, then the
    strategies see it; what they order meets the next candle at the earliest. Of a candle that came too late they are
    told nothing.
    """
    orders_settle(unsettled_orders(instrument, scope))
    touched = _fill_resting(instrument, bar, scope)
    marked = price_seen(instrument=instrument, seen=seen_in(bar), scope=scope, is_current=not is_late)
    touched |= {position.portfolio_id for position in marked}
    if touched:
        equity_snapshot(portfolio_ids=touched, at=bar.close_time)
    if scope is LIVE:
        halts_expire_by_market(instrument=instrument, at=bar.close_time)
    if is_late:
        _hold_strategies(instrument, bar, scope)
    elif _run_strategies(instrument, bar, window, scope, marked):
        orders_settle(unsettled_orders(instrument, scope))


def feed_start(*, feed: Feed, after: datetime | None) -> SeriesCursor:
    """Begin to trade the feed with the first candle that opens after a time; None for its very first one."""
    cursor, _ = SeriesCursor.objects.get_or_create(feed=feed, defaults={"traded_through": after})
    return cursor


def feed_trade(*, feed_id: int) -> int:
    """Trade, in order, every stored candle of the feed that has not been traded; return how many there were.

    One process at a time trades a feed. Killed at any point, the next call goes on with the same candle.
    """
    feed = Feed.objects.select_related("instrument").get(pk=feed_id)
    traded, deadline = 0, time.monotonic() + TIME_BUDGET
    while time.monotonic() < deadline and _next_bars(feed, limit=1):
        if not _try_lock(feed_id):
            return traded  # Its holder looks for new candles once more after it has let go.
        try:
            traded += _trade_waiting(feed, deadline)
        finally:
            _unlock(feed_id)
    return traded


def _trade_waiting(feed: Feed, deadline: float) -> int:
    def window(until: datetime, length: int) -> Candles:
        return candles_window(
            instrument=feed.instrument, timeframe=feed.timeframe, source=feed.source, until=until, length=length
        )

    count = 0
    for bar in _next_bars(feed, limit=100):
        bar_trade(instrument=feed.instrument, bar=bar, window=window, is_late=_is_late(feed, bar))
        SeriesCursor.objects.filter(feed=feed).update(traded_through=bar.open_time)
        count += 1
        if time.monotonic() > deadline:
            break
    return count


def _is_late(feed: Feed, bar: Bar) -> bool:
    """Tell whether an exchange's candle is older than two candles: its prices are not those of now."""
    return not feed.is_replay and timezone.now() - bar.close_time > STALE_AFTER * bar.timeframe.duration


def _hold_strategies(instrument: Instrument, bar: Bar, scope: Scope) -> None:
    age = (timezone.now() - bar.close_time).total_seconds() / 60
    reason = (
        f"Holds: the candle of {bar.open_time:%Y-%m-%d %H:%M} UTC came {age:,.0f} minutes after its close, later than "
        f"{STALE_AFTER} candles of {bar.timeframe}."
    )
    strategies_hold(strategies=strategies_to_run(instrument, bar.timeframe, scope), reason=reason)


def _next_bars(feed: Feed, *, limit: int) -> list[Bar]:
    cursor = feed_start(feed=feed, after=None)
    return bars_after(
        instrument=feed.instrument,
        timeframe=feed.timeframe,
        source=feed.source,
        position=cursor.traded_through,
        length=limit,
    )


def _fill_resting(instrument: Instrument, bar: Bar, scope: Scope) -> set[uuid.UUID]:
    """Let the candle meet the resting orders of every paper account in scope; return the portfolios that had fills."""
    accounts = Portfolio.objects.filter(scope.where()).values("connection_id")
    touched: set[uuid.UUID] = set()
    for account in paper_connections_met(instrument, bar, accounts):
        is_over = False
        while not is_over:
            met = _meet(account, instrument, bar)
            is_over = met.is_over
            touched |= met.portfolio_ids
            if met.is_unsettled:
                orders_settle(unsettled_orders(instrument, scope))
    return touched


@transaction.atomic
def _meet(connection: BrokerConnection, instrument: Instrument, bar: Bar) -> Met:
    """Apply what the candle does, to the venue's book and the platform's together, until the venue is to be told of
    something that has come of it.
    """
    account, met = Account(connection), Met()
    with gathered() as gathering:
        account.lock()
        book = PaperGateway(connection).meet(instrument.spec, bar)
        account.orders_lock(book.reached)
        account.positions_lock(instrument)
        while not met.is_over and not met.is_unsettled:
            reports = book.next()
            met.is_over = not reports
            for report in reports:
                order = report_take(account=account, report=report, is_new=True)
                if order is not None:
                    met.portfolio_ids.add(order.portfolio_id)
            met.is_unsettled = any(isinstance(row, Order) and is_unsettled(row) for row in gathering.touched())
    return met


def _run_strategies(instrument: Instrument, bar: Bar, window: Window, scope: Scope, positions: list[Position]) -> bool:
    """Run the strategies of the candle's series on what they hold; return whether one of them ordered."""
    strategies = strategies_to_run(instrument, bar.timeframe, scope)
    if not strategies:
        return False
    lengths = {strategy.pk: window_length(strategy) for strategy in strategies}
    candles = window(bar.open_time, max(lengths.values()))
    held = {(position.portfolio_id, position.book): _sign(position) for position in positions}
    ordered = False
    for strategy in strategies:
        seen = candles.tail(lengths[strategy.pk])
        sign = held.get((strategy.portfolio_id, strategy.slug), 0)
        signal = strategy_evaluate(strategy=strategy, candles=seen, bar=bar, held=sign)
        ordered |= signal is not None and signal_execute(signal=signal, bar=bar, candles=seen) is not None
    strategies_ran(strategies=strategies, at=bar.close_time)
    return ordered


def _sign(position: Position) -> int:
    """Return 1 for a long position, -1 for a short one; 0 where nothing of it can be traded."""
    return (position.tradable_quantity > 0) - (position.tradable_quantity < 0)


def _try_lock(feed_id: int) -> bool:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_SPACE, feed_id])
        return bool(cursor.fetchone()[0])


def _unlock(feed_id: int) -> None:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_SPACE, feed_id])
