"""The work of the queue `orders`: one service call each, safe to run any number of times.

What an order's tasks did is in its events: their results are not kept a second time, only their errors.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any

from celery import shared_task
from celery.signals import worker_ready

from apps.brokers.models import BrokerConnection
from apps.common.jobs import enqueue
from apps.marketdata.models import Feed
from apps.orders.services.holdings.flattening import halt_flatten, halts_flatten
from apps.orders.services.market.summarizing import portfolios_summarize
from apps.orders.services.market.trading import feed_trade
from apps.orders.services.market.watching import price_watch, prices_watch
from apps.orders.services.reconciling import (
    ReconciliationRunning,
    connection_reconcile,
    connections_to_reconcile,
    reconciliation_alerts,
)
from apps.orders.services.signals.approving import signals_lapse
from apps.orders.services.venue.expiring import orders_expire
from apps.orders.services.venue.following import connection_follow, connections_to_follow
from apps.orders.services.venue.settling import (
    order_settle,
    stray_connections,
    strays_settle,
)
from apps.orders.services.venue.waiting import waiting_send, waiting_settle
from apps.portfolio.services import halts_expire, halts_tell


@shared_task(name="orders.settle", ignore_result=True)
def settle(order_id: str) -> None:
    """Tell the venue what was committed of an order; what is at an exchange waits for it in another queue."""
    waiting_settle(order_id=uuid.UUID(order_id))


@shared_task(name="orders.send", ignore_result=True)
def send() -> int:
    """Send everything that waits for paper venues."""
    return waiting_send()


@shared_task(name="orders.settle_at_exchange", ignore_result=True)
def settle_at_exchange(order_id: str) -> None:
    """Tell an exchange what was committed of an order."""
    order_settle(order_id=uuid.UUID(order_id))


@shared_task(name="orders.trade_feed", ignore_result=True)
def trade_feed(feed_id: int) -> int:
    """Trade the candles of a feed that have not been traded yet."""
    return feed_trade(feed_id=feed_id)


@shared_task(name="orders.trade_feeds")
def trade_feeds() -> int:
    """Wake the trading of every enabled feed, in case a candle's own task was lost."""
    feeds = list(Feed.objects.filter(enabled=True).values_list("pk", flat=True))
    for feed_id in feeds:
        enqueue("orders.trade_feed", feed_id)
    return len(feeds)


@shared_task(name="orders.sweep")
def sweep() -> int:
    """Settle the orders that something left behind; a slow venue holds up none but its own."""
    for connection_id in stray_connections():
        enqueue("orders.sweep_connection", str(connection_id), expires=10)
    return strays_settle()


@shared_task(name="orders.sweep_connection")
def sweep_connection(connection_id: str) -> int:
    """Settle the orders of a venue that something left behind."""
    return strays_settle(connection_id=uuid.UUID(connection_id))


@shared_task(name="orders.follow")
def follow() -> int:
    """Have every venue at which orders work asked about them, and end those whose time is over."""
    orders_expire()
    connections = connections_to_follow()
    for connection_id in connections:
        enqueue("orders.follow_connection", str(connection_id), expires=10)
    return len(connections)


@shared_task(name="orders.follow_connection")
def follow_connection(connection_id: str) -> int:
    """Ask a venue what became of the orders that work there."""
    return connection_follow(connection_id=uuid.UUID(connection_id))


@shared_task(name="orders.reconcile")
def reconcile() -> int:
    """Have every active connection compared with its venue."""
    connections = connections_to_reconcile()
    for connection_id in connections:
        enqueue("orders.reconcile_connection", str(connection_id), expires=29)
    return len(connections)


@shared_task(name="orders.reconcile_connection")
def reconcile_connection(connection_id: str) -> str:
    """Compare a connection with its venue."""
    with suppress(ReconciliationRunning):
        return str(connection_reconcile(connection=BrokerConnection.objects.get(pk=connection_id)).outcome)
    return "running"


@shared_task(name="orders.watch_reconciliations")
def watch_reconciliations() -> None:
    """Let the alerts about venues be those that there is a cause for now."""
    reconciliation_alerts()


@worker_ready.connect
def _reconcile_at_start(sender: Any, **kwargs: object) -> None:
    """Compare everything once when a worker begins: nobody knows what was missed before."""
    if "orders" in {queue.name for queue in sender.task_consumer.queues}:
        enqueue("orders.reconcile", expires=60)


@shared_task(name="orders.flatten")
def flatten(halt_id: str) -> int:
    """Cancel and close what a halt covers."""
    return halt_flatten(halt_id=uuid.UUID(halt_id))


@shared_task(name="orders.sweep_halts")
def sweep_halts() -> int:
    """End the halts whose time has come, and go on with flattening where something was left behind."""
    halts_expire()
    halts_tell()
    return halts_flatten()


@shared_task(name="orders.watch_price")
def watch_price(symbol: str) -> bool:
    """Look at an instrument's newest price, within its candle."""
    return price_watch(symbol=symbol)


@shared_task(name="orders.watch_prices")
def watch_prices() -> int:
    """Look at every price that something hangs on, in case a price's own task was lost; and at all margins."""
    return prices_watch()


@shared_task(name="orders.summarize_day")
def summarize_day() -> int:
    """Write down what the day that has ended came to, of every portfolio."""
    return portfolios_summarize()


@shared_task(name="orders.lapse_signals")
def lapse_signals() -> int:
    """End the waiting of signals that nobody approved in time."""
    return signals_lapse()
