"""What a finished candle sets off: fills, marks, signals, orders; the same live and in a replay of history."""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta

from django.db import connection as database
from django.utils import timezone

from algotrendy.trading.candles import Bar, Candles
from apps.brokers.adapters.paper import paper_connections_met
from apps.marketdata.models import Feed, Instrument
from apps.marketdata.selectors import candles_window, feed_bars_after
from apps.marketdata.selectors.feeds import STALE_AFTER
from apps.orders.models import SeriesCursor
from apps.orders.services.market.lagging import Lagging
from apps.orders.services.market.meeting import bar_meet, venues_tell
from apps.orders.services.market.running import Window, bar_run, strategies_late
from apps.orders.services.market.watching import price_seen, seen_in
from apps.portfolio.models import Portfolio
from apps.portfolio.selectors import LIVE, Scope
from apps.portfolio.services import equity_snapshot, halts_expire_by_market

LOCK_SPACE = 0x5EED
"""The first key of the advisory locks that let one worker at a time trade a feed."""
TIME_BUDGET = 60.0


def bar_trade(
    *,
    instrument: Instrument,
    bar: Bar,
    window: Window,
    scope: Scope = LIVE,
    is_late: bool = False,
    lagging: Lagging | None = None,
) -> None:
    """Trade one finished candle; a second call for the same candle changes nothing.

    First the orders that were there meet the candle, then everything that watches the price sees its close, then the
    strategies see it; what they order meets the next candle at the earliest. Of a candle that came too late they are
    told nothing. An account that the candle cannot be applied to is left to `lagging`; without it, that is raised.
    """
    touched = set() if lagging is None else lagging.catch_up(bar)
    venues_tell(instrument=instrument, scope=scope)
    touched |= _fill_resting(instrument, bar, scope, lagging)
    marked = price_seen(instrument=instrument, seen=seen_in(bar), scope=scope, is_current=not is_late)
    touched |= {position.portfolio_id for position in marked}
    if touched:
        equity_snapshot(portfolio_ids=touched, at=bar.close_time)
    if scope is LIVE:
        halts_expire_by_market(instrument=instrument, at=bar.close_time)
    behind = set() if lagging is None else lagging.ids
    if is_late:
        strategies_late(instrument=instrument, bar=bar, scope=scope, age_minutes=_age(bar).total_seconds() / 60)
    elif bar_run(instrument=instrument, bar=bar, window=window, scope=scope, positions=marked, lagging=behind):
        venues_tell(instrument=instrument, scope=scope)


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

    count, lagging = 0, Lagging(feed)
    for bar in _next_bars(feed, limit=100):
        is_late = _is_late(feed, bar)
        bar_trade(instrument=feed.instrument, bar=bar, window=window, is_late=is_late, lagging=lagging)
        SeriesCursor.objects.filter(feed=feed).update(traded_through=bar.open_time)
        count += 1
        if time.monotonic() > deadline:
            break
    return count


def _is_late(feed: Feed, bar: Bar) -> bool:
    """Tell whether an exchange's candle is older than two candles: its prices are not those of now."""
    return not feed.is_replay and _age(bar) > STALE_AFTER * bar.timeframe.duration


def _age(bar: Bar) -> timedelta:
    age: timedelta = timezone.now() - bar.close_time
    return age


def _next_bars(feed: Feed, *, limit: int) -> list[Bar]:
    cursor = feed_start(feed=feed, after=None)
    return feed_bars_after(feed=feed, position=cursor.traded_through, length=limit)


def _fill_resting(instrument: Instrument, bar: Bar, scope: Scope, lagging: Lagging | None) -> set[uuid.UUID]:
    """Let the candle meet the resting orders of every paper account in scope; return the portfolios that had fills."""
    accounts = Portfolio.objects.filter(scope.where()).values("connection_id")
    touched: set[uuid.UUID] = set()
    for account in paper_connections_met(instrument, bar, accounts):
        if lagging is not None:
            touched |= lagging.meet(account, bar)
        else:
            touched |= bar_meet(connection=account, instrument=instrument, bar=bar, scope=scope)
    return touched


def _try_lock(feed_id: int) -> bool:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_SPACE, feed_id])
        return bool(cursor.fetchone()[0])


def _unlock(feed_id: int) -> None:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_SPACE, feed_id])
