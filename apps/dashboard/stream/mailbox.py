"""What waits for one client: the newest value of what changes often, and a bounded queue of what must not be missed."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

LATEST = frozenset({"candles", "ticker", "summary", "downloads", "portfolio", "positions"})
"""Topics of which only the newest value matters; of the others every event does."""
QUEUE_LENGTH = 256
KEYS = {
    "candles": ("symbol", "timeframe", "source"),
    "ticker": ("symbol",),
    "summary": (),
    "downloads": ("id",),
    "portfolio": ("id",),
    "positions": ("id",),
}


class Mailbox:
    """Take messages without ever waiting; give them out to the client's own writer.

    A queue that overflows drops its oldest and says so once: the client then reads everything again.
    """

    def __init__(self, queue_length: int = QUEUE_LENGTH) -> None:
        self._latest: dict[tuple[str, ...], dict[str, Any]] = {}
        self._queue: deque[dict[str, Any]] = deque(maxlen=queue_length)
        self._must_resync = False
        self._filled = asyncio.Event()

    def put(self, message: dict[str, Any]) -> None:
        topic = message["topic"]
        if topic in LATEST:
            key = (topic, *(str(message["data"].get(name)) for name in KEYS[topic]))
            self._latest.pop(key, None)  # so that the order is that of the newest values
            self._latest[key] = message
        else:
            self._must_resync |= len(self._queue) == self._queue.maxlen
            self._queue.append(message)
        self._filled.set()

    def resync(self) -> None:
        """Tell the client that something may have been lost."""
        self._must_resync = True
        self._filled.set()

    async def wait(self, seconds: float) -> bool:
        """Wait until there is something to send; return False when the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._filled.wait()
        except TimeoutError:
            return False
        return True

    def take(self, *, with_latest: bool) -> tuple[bool, list[dict[str, Any]]]:
        """Return whether to resync, and what to send; the newest values only `with_latest`, else they wait on."""
        must_resync, messages = self._must_resync, list(self._queue)
        self._must_resync = False
        self._queue.clear()
        if with_latest:
            messages += self._latest.values()
            self._latest.clear()
        if not self._latest:
            self._filled.clear()
        return must_resync, messages

    @property
    def holds_queued(self) -> bool:
        return self._must_resync or bool(self._queue)
