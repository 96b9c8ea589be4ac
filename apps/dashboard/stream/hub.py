"""One listener on the event bus for the whole process, and the clients that its messages go to."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

import redis.asyncio
import structlog
from django.conf import settings
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from apps.common.events import CHANNEL
from apps.dashboard.stream.access import Listener
from apps.dashboard.stream.mailbox import Mailbox

log = structlog.get_logger(__name__)
SILENCE = 5.0
"""Seconds without a message after which Redis is asked for a sign of life, and within which it must give one."""
LONGEST_PAUSE = 5.0


@dataclass(eq=False)
class Client:
    """An open stream: who listens, to which symbols (all, where None), and what waits to be sent."""

    listener: Listener
    symbols: frozenset[str] | None
    with_snapshots: bool = True
    mailbox: Mailbox = field(default_factory=Mailbox)

    def wants(self, message: dict[str, Any]) -> bool:
        return self.listener.may_hear(message["topic"], message["owner"]) and self.wants_symbol(message["data"])

    def wants_symbol(self, data: dict[str, Any]) -> bool:
        symbol = data.get("symbol")
        return self.symbols is None or symbol is None or symbol in self.symbols


class Hub:
    """Pass each message of the bus to the clients that want it; come back by itself when Redis goes away."""

    def __init__(self, *, silence: float = SILENCE) -> None:
        self.silence = silence
        self.clients: set[Client] = set()
        self.stopping = asyncio.Event()
        self.connected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._supervise(), name="event-listener")

    async def stop(self) -> None:
        """Let every stream end, and stop listening."""
        self.stopping.set()
        for client in self.clients:
            client.mailbox.resync()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _supervise(self) -> None:
        pause = 0.1
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                log.warning("event_listener_lost", error=str(error), retry_in=pause)
            self.connected.clear()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE) if not self.clients else min(pause * 2, 1.0)

    async def _listen(self) -> None:
        connection = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=self.silence + 2, socket_keepalive=True
        )
        try:
            bus = connection.pubsub()
            await bus.subscribe(CHANNEL)
            if await bus.get_message(timeout=self.silence) is None:  # Before it confirms, events could still be lost.
                raise RedisTimeoutError("Redis has not confirmed the subscription.")
            self.connected.set()
            for client in self.clients:
                client.mailbox.resync()  # What was published meanwhile is lost.
            await self._pass_on(bus)
        finally:
            await connection.aclose()

    async def _pass_on(self, bus: PubSub) -> None:
        """Dispatch what comes; raise RedisTimeoutError when Redis is asked for a sign of life and gives none.

        A Redis that hangs, or a connection that a firewall has dropped, looks like one with nothing to tell.
        """
        is_asked = False
        while True:
            message = await bus.get_message(timeout=self.silence)
            if message is not None:
                is_asked = False  # Whatever it says, it lives.
                if message["type"] == "message":
                    self.dispatch(message["data"])
            elif is_asked:
                raise RedisTimeoutError(f"Redis has not answered for {self.silence:g} s.")
            else:
                await bus.ping()
                is_asked = True

    def dispatch(self, payload: bytes) -> None:
        """Put a message of the bus into the mailboxes of those who want it."""
        try:
            message = json.loads(payload)
            wanted = [client for client in self.clients if client.wants(message)]
        except (ValueError, KeyError, AttributeError, TypeError):
            log.warning("event_not_understood", payload=payload[:200])
            return
        for client in wanted:
            client.mailbox.put(message)
