"""When each order reached each status, as the event bus tells it, which is after the commit."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Self

import redis
from django.conf import settings

from apps.common.events import CHANNEL


class Listener:
    """Listen until the block ends; `heard` has the moments by client order id and status."""

    def __init__(self, tell: Callable[[str, str], None] | None = None) -> None:
        self.heard: dict[str, dict[str, float]] = defaultdict(dict)
        self._tell = tell
        self._changed = threading.Condition()
        self._client = redis.Redis.from_url(settings.REDIS_URL)
        self._channel = self._client.pubsub(ignore_subscribe_messages=True)
        self._channel.subscribe(CHANNEL)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._running = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._running = False
        self._thread.join()
        self._client.close()

    def wait(self, name: str, status: str, seconds: float = 20) -> float:
        """Return when the order reached the status; raise where it does not in time."""
        with self._changed:
            if not self._changed.wait_for(lambda: status in self.heard[name], seconds):
                raise RuntimeError(f"Order {name} was not {status} within {seconds} s, only {list(self.heard[name])}.")
            return self.heard[name][status]

    def _run(self) -> None:
        while self._running:
            message = self._channel.get_message(timeout=0.1)
            if message is not None:
                self._hear(json.loads(message["data"]))

    def _hear(self, event: dict[str, dict[str, str]]) -> None:
        if event["topic"] != "orders":  # type: ignore[comparison-overlap]
            return
        name, status = event["data"]["client_order_id"], event["data"]["status"]
        with self._changed:
            self.heard[name].setdefault(status, time.perf_counter())
            self._changed.notify_all()
        if self._tell is not None:
            self._tell(name, status)
