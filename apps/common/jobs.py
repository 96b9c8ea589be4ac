"""Handing work to the Celery workers."""

from __future__ import annotations

from functools import partial

import redis
import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from django_redis import get_redis_connection
from kombu.exceptions import OperationalError

TRADING_QUEUES = ("orders", "default")
"""What must never wait for a backtest or an exchange."""
MARKET_QUEUES = ("marketdata", "downloads")
"""What waits for exchanges: served by a worker of its own."""
VENUE_QUEUES = ("venues",)
"""What waits for brokers: one that does not answer holds up no paper order, candle or person."""
BACKTEST_QUEUES = ("backtests",)
"""What takes seconds to minutes: served by a worker of its own."""
QUEUES = (*TRADING_QUEUES, *VENUE_QUEUES, *MARKET_QUEUES, *BACKTEST_QUEUES)
"""What the workers serve; `CELERY_TASK_ROUTES` says which task goes where."""
log = structlog.get_logger(__name__)


def enqueue(task: str, *args: object, expires: float = 60, countdown: float = 0) -> None:
    """Send the task once the current transaction has committed, to be run after `countdown` seconds.

    Where Redis is away nothing fails: what is to be done is in the rows, and the recurring sweeps find it there.
    """
    delay = {"countdown": countdown} if countdown else {}
    transaction.on_commit(partial(_send, task, args, expires, **delay))


def enqueue_once(task: str, *args: object, expires: float = 60, hold: float = 2) -> None:
    """Send the task once the current transaction has committed, unless the same one waits for a worker already.

    The task calls `task_begins` before it looks at what there is to do: what is committed from then on has it sent
    again. One that was lost, or that waits for long, holds back others for `hold` seconds.
    """
    transaction.on_commit(partial(_send_once, task, args, expires, hold))


def task_begins(task: str, *args: object) -> None:
    """Note that a task which was sent by `enqueue_once` is about to look at what there is to do."""
    try:
        get_redis_connection("default").delete(_waiting(task, args))
    except redis.RedisError as error:
        log.warning("task_not_noted", task=task, error=str(error))


def task_goes_on(task: str, *args: object, hold: float = 2) -> None:
    """Hold back others for `hold` seconds more: the task looks again at what there is to do, and begins after that."""
    try:
        get_redis_connection("default").set(_waiting(task, args), "1", px=int(hold * 1000))
    except redis.RedisError as error:
        log.warning("task_not_noted", task=task, error=str(error))


def queue_lengths() -> dict[str, int]:
    """Return how many tasks wait in each queue; raises RedisError."""
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
        return {queue: int(client.llen(queue)) for queue in QUEUES}


def _waiting(task: str, args: tuple[object, ...]) -> str:
    return ":".join(["algotrendy:waiting", task, *map(str, args)])


def _send_once(task: str, args: tuple[object, ...], expires: float, hold: float) -> None:
    try:
        is_first = get_redis_connection("default").set(_waiting(task, args), "1", nx=True, px=int(hold * 1000))
    except redis.RedisError as error:
        log.warning("task_not_sent", task=task, error=str(error))
        return
    if is_first:
        _send(task, args, expires)


def _send(task: str, args: tuple[object, ...], expires: float, **delay: float) -> None:
    try:
        current_app.send_task(task, args=args, expires=expires, retry=False, **delay)
    except OperationalError as error:
        log.warning("task_not_sent", task=task, error=str(error))
