"""A sign of life that travels from beat through a worker into Redis."""

from __future__ import annotations

import time

from django.core.cache import cache

HEARTBEAT_KEY = "operations:heartbeat"
STALE_AFTER = 90.0
"""Seconds: three beats."""


def heartbeat_record() -> float:
    """Write down that beat and a worker are at work now; return the Unix time."""
    now = time.time()
    cache.set(HEARTBEAT_KEY, now, timeout=3600)
    return now
