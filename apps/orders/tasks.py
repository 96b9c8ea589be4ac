"""The work of the queue `orders`: one service call each, safe to run any number of times.

What an order's tasks did is in its events: their results are not kept a second time, only their errors.
"""

from __future__ import annotations

import uuid

from celery import shared_task

from apps.common.jobs import enqueue
from apps.marketdata.models import Feed
from apps.orders.services.settling import order_settle, strays_settle
from apps.orders.services.trading import feed_trade


@shared_task(name="orders.settle", ignore_result=True)
def settle(order_id: str) -> str:
    """Tell the venue what was committed of an order."""
    return str(order_settle(order_id=uuid.UUID(order_id)).status)


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
    """Settle the orders that something left behind."""
    return strays_settle()
