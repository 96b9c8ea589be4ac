"""The stream's ASGI application: `GET /api/stream` and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import structlog

from apps.dashboard.stream.access import PERMISSIONS, Credentials, Refused, admit
from apps.dashboard.stream.hub import SILENCE, Client, Hub
from apps.dashboard.stream.origins import cors_headers, safety_headers
from apps.dashboard.stream.snapshot import snapshot

log = structlog.get_logger(__name__)
PATH = "/api/stream"
HEARTBEAT = 15.0
FRAME_PAUSE = 0.2
RECHECK = 30.0
"""Seconds after which a stream's session, token and permissions are looked at again."""
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]


class StreamApplication:
    """Serve server-sent events; one hub a process, started with the first client or the server's lifespan."""

    def __init__(self, *, recheck: float = RECHECK, heartbeat: float = HEARTBEAT, silence: float = SILENCE) -> None:
        self.recheck, self.heartbeat, self.silence = recheck, heartbeat, silence
        self._hub: Hub | None = None
        self._boot = uuid.uuid4().hex[:8]
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    @property
    def hub(self) -> Hub:
        if self._hub is None:
            self._hub = Hub(silence=self.silence)
        self._hub.start()
        return self._hub

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.hub  # noqa: B018 - starts listening before the first client comes
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                if self._hub is not None:
                    await self._hub.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            if scope["path"].rstrip("/") != PATH:
                raise Refused(404, "not_found", "This server has the event stream only, at /api/stream.")
            cors = cors_headers(headers)
            if scope["method"] == "OPTIONS":
                await _answer(send, 204, cors)
                return
            if scope["method"] != "GET":
                raise Refused(405, "method_not_allowed", "The event stream is read with GET.")
            topics, symbols, with_snapshots = _wishes(scope["query_string"])
            credentials = Credentials.of(headers, (scope.get("client") or ("",))[0])
            client = Client(await admit(credentials, topics), symbols, with_snapshots)
        except Refused as refusal:
            await _refuse(send, refusal, headers)
            return
        await self._stream(client, credentials, cors, receive, send, returning="last-event-id" in headers)

    async def _stream(
        self,
        client: Client,
        credentials: Credentials,
        cors: list[tuple[bytes, bytes]],
        receive: Receive,
        send: Send,
        *,
        returning: bool,
    ) -> None:
        hub = self.hub
        hub.clients.add(client)
        if returning:
            client.mailbox.resync()
        await send(
            {"type": "http.response.start", "status": 200, "headers": [*_STREAM_HEADERS, *safety_headers(), *cors]}
        )
        writer = asyncio.create_task(self._write(client, credentials, hub, send))
        leaving = asyncio.create_task(_disconnected(receive))
        stopping = asyncio.create_task(hub.stopping.wait())
        try:
            await asyncio.wait({writer, leaving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hub.clients.discard(client)
            for task in (writer, leaving, stopping):
                task.cancel()
            outcomes = await asyncio.gather(writer, leaving, stopping, return_exceptions=True)
            if isinstance(outcomes[0], Exception):
                log.info("stream_ended", user=client.listener.user_id, error=str(outcomes[0]))
        with contextlib.suppress(Exception):  # the client may be gone already
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, client: Client, credentials: Credentials, hub: Hub, send: Send) -> None:
        """Send how things are, then what the mailbox holds: events at once, the newest values five times a second."""
        hello = {"topics": sorted(client.listener.topics), "heartbeat": self.heartbeat}
        await _send(send, f"retry: 2000\n{self._frame('hello', hello)}{await self._snapshot(client)}")
        checked = sent = quiet = time.monotonic()
        while True:
            now = time.monotonic()
            if now - checked >= self.recheck:
                checked = now
                client.listener = await admit(credentials, client.listener.topics)
            until = min(quiet + self.heartbeat, checked + self.recheck) - now
            if not await client.mailbox.wait(max(until, 0.01)):
                if time.monotonic() - quiet >= self.heartbeat:
                    await _send(send, ": still here\n\n")
                    quiet = time.monotonic()
                continue
            if not client.mailbox.holds_queued:
                await asyncio.sleep(max(0.0, sent + FRAME_PAUSE - time.monotonic()))
            is_due = time.monotonic() - sent >= FRAME_PAUSE
            text = await self._take(client, with_latest=is_due)
            sent = time.monotonic() if is_due else sent
            if text:
                await _send(send, text)
                quiet = time.monotonic()

    async def _take(self, client: Client, *, with_latest: bool) -> str:
        must_resync, messages = client.mailbox.take(with_latest=with_latest)
        frames = [self._frame("resync", {}), await self._snapshot(client)] if must_resync else []
        frames += [self._frame(message["topic"], message["data"], message["at"]) for message in messages]
        return "".join(frames)

    async def _snapshot(self, client: Client) -> str:
        found = await snapshot(client) if client.with_snapshots else None
        return "" if found is None else self._frame("snapshot", found)

    def _frame(self, event: str, data: dict[str, Any], at: str = "") -> str:
        body = json.dumps({"at": at, "data": data} if at else {"data": data}, separators=(",", ":"))
        return f"id: {self._boot}-{next(self._numbers)}\nevent: {event}\ndata: {body}\n\n"


_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]


def _wishes(query: bytes) -> tuple[frozenset[str], frozenset[str] | None, bool]:
    """Return the topics (none for all), the symbols (None for all), and whether snapshots are asked for (else `no`)."""
    asked = parse_qs(query.decode("latin-1"), max_num_fields=20)
    topics, symbols = (
        frozenset(part for value in asked.get(name, []) for part in value.split(",") if part)
        for name in ("topics", "symbols")
    )
    unknown = sorted(topics - PERMISSIONS.keys())
    if unknown:
        raise Refused(400, "unknown_topic", f"There is no topic {unknown[0][:40]}; there are {', '.join(PERMISSIONS)}.")
    return topics, symbols or None, asked.get("snapshot", ["yes"])[-1] != "no"


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *safety_headers()]})
    await send({"type": "http.response.body", "body": body})


async def _refuse(send: Send, refusal: Refused, headers: dict[str, str]) -> None:
    problem = {"type": "about:blank", "status": refusal.status, "code": refusal.code, "detail": refusal.detail}
    answer = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")]
    with contextlib.suppress(Refused):
        answer += cors_headers(headers)
    if refusal.status == 401:
        answer.append((b"www-authenticate", b"Bearer"))
    if refusal.status == 503:
        answer.append((b"retry-after", b"5"))
    await _answer(send, refusal.status, answer, json.dumps(problem).encode())
