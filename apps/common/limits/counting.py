"""Counting calls: all windows of a call in one round trip to Redis, or in this process while Redis is away."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from typing import Any

import redis
import structlog
from django.conf import settings
from django.core.cache import caches
from redis.exceptions import NoScriptError

from apps.common.metrics import RATE_LIMITER_FALLBACK

from .windows import Usage, Window

log = structlog.get_logger(__name__)
MARGIN = 5
"""Seconds that a count outlives its window, for machines whose clocks differ."""
SCRIPT = """
local counts = {}
for i, key in ipairs(KEYS) do
  counts[i] = redis.call('INCR', key)
  if counts[i] == 1 then redis.call('EXPIRE', key, ARGV[i]) end
end
return counts
"""
SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


class LocalCounts:
    """Counts of this process alone, in bounded memory."""

    MOST = 20_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, windows: Sequence[Window]) -> list[int]:
        with self._lock:
            return [self._add(window) for window in windows]

    def forget(self) -> None:
        with self._lock:
            self._counts.clear()

    def _add(self, window: Window) -> int:
        count = self._counts.get(window.key, (0, 0))[0] + 1
        self._counts[window.key] = (count, window.ends_at)
        if len(self._counts) > self.MOST:
            self._shrink()
        return count

    def _shrink(self) -> None:
        """Drop what has ended; where that is too little, the tenth that was counted first."""
        now = time.time()
        kept = [(key, value) for key, value in self._counts.items() if value[1] > now]
        self._counts = dict(kept[self.MOST // 10 :] if len(kept) > self.MOST * 9 // 10 else kept)


class CallCounter:
    """Count calls for all processes; without Redis answer on with counts of this process.

    A Redis that fails, or hangs until the time-out, is left alone for some seconds: one call then tries it again while
    the others go on without.
    """

    PAUSE = 3.0

    def __init__(self) -> None:
        self.local = LocalCounts()
        self._lock = threading.Lock()
        self._retry_at: float | None = None

    def add(self, windows: Sequence[Window]) -> tuple[Usage, ...]:
        """Count one call in each of the windows."""
        return tuple(map(Usage, windows, self._counts(windows)))

    def _counts(self, windows: Sequence[Window]) -> list[int]:
        if self._may_try():
            try:
                counts = _add_shared(windows)
            except (redis.RedisError, OSError) as error:
                self._lose(error)
            else:
                self._regain()
                return counts
        RATE_LIMITER_FALLBACK.inc()
        return self.local.add(windows)

    def _may_try(self) -> bool:
        if self._retry_at is None:
            return True
        with self._lock:
            now = time.monotonic()
            if self._retry_at is not None and now < self._retry_at:
                return False
            self._retry_at = now + self.PAUSE
            return True

    def _lose(self, error: Exception) -> None:
        with self._lock:
            is_news, self._retry_at = self._retry_at is None, time.monotonic() + self.PAUSE
        if is_news:
            log.warning("rate_limits_counted_locally", error=str(error), retry_seconds=self.PAUSE)

    def _regain(self) -> None:
        if self._retry_at is None:
            return
        with self._lock:
            is_news, self._retry_at = self._retry_at is not None, None
        if is_news:
            self.local.forget()
            log.info("rate_limits_shared_again")


def _add_shared(windows: Sequence[Window]) -> list[int]:
    cache: Any = caches[settings.RATELIMIT_USE_CACHE]
    client = cache.client.get_client(write=True)
    keys = [str(cache.make_key(window.key)) for window in windows]
    lives = [window.seconds + MARGIN for window in windows]
    try:
        counts = client.evalsha(SHA, len(keys), *keys, *lives)
    except NoScriptError:  # Redis is new, or was started again
        counts = client.eval(SCRIPT, len(keys), *keys, *lives)
    return [int(count) for count in counts]


counter = CallCounter()
