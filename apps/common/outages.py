"""Errors that say that the database or Redis is away, as opposed to something being wrong."""

from __future__ import annotations

import redis
import structlog
from django.db import InterfaceError, OperationalError
from django_redis.exceptions import ConnectionInterrupted
from kombu.exceptions import OperationalError as BrokerError

log = structlog.get_logger(__name__)
RETRY_AFTER = 5
"""Seconds after which it is worth trying again: a server that is started anew is back by then."""
OUTAGES = (
    OperationalError, InterfaceError, ConnectionInterrupted, redis.ConnectionError, redis.TimeoutError, BrokerError,
)  # fmt: skip


def is_outage(error: BaseException | None) -> bool:
    """Tell whether the error is one, and write it down where it is: its answer will not say the cause."""
    if not isinstance(error, OUTAGES):
        return False
    log.error("unavailable", error=f"{type(error).__name__}: {error}")
    return True
