"""What the event stream does while something that it needs is away, hangs, or asks for nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from asgiref.sync import sync_to_async
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import connection

from apps.common.events import CHANNEL
from apps.dashboard.stream.access import Listener
from apps.dashboard.stream.application import StreamApplication
from apps.dashboard.stream.hub import Client, Hub
from tests.builders import make_user
from tests.integration.streams import WEB, Open, Server, bearer, event, session_of, valkey
from tests.processes import free_port, granian

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("origin", ["http://[::1", "//", "http://localhost:99999999", "http://localhost:x"])
def test_a_page_of_a_senseless_origin_is_refused(server: Server, origin: str) -> None:
    answer = requests.get(server.url, headers={**bearer(make_user()), "Origin": origin}, timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_session_key_that_no_database_can_hold_is_no_session(server: Server) -> None:
    headers = {"Cookie": 'sessionid="a\\000b"'}  # a quoted cookie may hold a NUL
    assert requests.get(server.url, headers=headers, timeout=5).status_code == 401


def test_while_accounts_cannot_be_looked_up_clients_are_told_to_come_back() -> None:
    """A refusal would say "sign in again", and the console would give up."""
    headers = {**bearer(make_user()), "Origin": WEB}
    port = free_port()
    with granian("asgi", port, WEB_URL=WEB, DATABASE_URL="postgres://nobody@127.0.0.1:1/none"):
        answer = requests.get(f"http://127.0.0.1:{port}/api/stream", headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Access-Control-Allow-Origin"] == WEB


def test_while_redis_is_away_a_session_is_not_taken_for_signed_out() -> None:
    cookies = session_of(make_user())
    port = free_port()
    with granian("asgi", port, WEB_URL=WEB, REDIS_URL="redis://127.0.0.1:1/0"):
        answer = requests.get(f"http://127.0.0.1:{port}/api/stream", cookies=cookies, timeout=10)
    assert answer.status_code == 503


def test_a_client_that_does_not_read_costs_little_memory(own_server: Server, listen: Open) -> None:
    """40 MB are published to somebody who reads nothing; the queue keeps 256 events of 20 kB, which is 5 MB."""
    trader = make_user()
    stream = listen(own_server, trader, "?topics=fills")
    before = _memory(own_server.process)
    padding = "x" * 20_000
    for batch in range(20):
        own_server.publish(*(event("fills", {"order": f"{batch}-{n}", "padding": padding}, trader) for n in range(100)))
    own_server.publish(event("fills", {"order": "last"}, trader))
    kinds, last = set(), ""
    while last != "last":
        kind, data = stream.next("fills", "resync", within=20)
        kinds.add(kind)
        last = data.get("order", last)
    assert "resync" in kinds
    assert _memory(own_server.process) - before < 25_000_000


def test_a_connection_to_redis_that_is_cut_is_made_again_and_told(listen: Open, tmp_path: Path) -> None:
    trader, port, stream_port = make_user(), free_port(), free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with valkey(port, tmp_path), granian("asgi", stream_port, WEB_URL=WEB, REDIS_URL=url) as process:
        stream = listen(Server(stream_port, process, url), trader, "?topics=orders")
        with redis.Redis.from_url(url) as client:
            assert client.execute_command("CLIENT", "KILL", "TYPE", "pubsub") == 1
        assert stream.next("resync", within=5)[0] == "resync"


def test_a_redis_that_hangs_is_noticed_and_its_return_is_told(tmp_path: Path, settings: LazySettings) -> None:
    port = free_port()
    settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
    with valkey(port, tmp_path) as store:
        asyncio.run(_hang(store, port))


async def _hang(store: subprocess.Popen[bytes], port: int) -> None:
    hub = Hub(silence=0.4)
    client = Client(Listener(1, False, frozenset({"orders"})), None)
    hub.clients.add(client)
    hub.start()
    try:
        async with asyncio.timeout(15):
            await hub.connected.wait()
            client.mailbox.take(with_latest=True)
            await asyncio.sleep(2)
            assert not client.mailbox.holds_queued  # A Redis with nothing to tell is no fault.
            store.send_signal(signal.SIGSTOP)
            while hub.connected.is_set():
                await asyncio.sleep(0.05)
            store.send_signal(signal.SIGCONT)
            await hub.connected.wait()
            assert client.mailbox.take(with_latest=True) == (True, [])
            await asyncio.to_thread(_publish, port, '{"topic": "orders", "owner": 1, "at": "", "data": {"id": "1"}}')
            assert await client.mailbox.wait(5)
            assert client.mailbox.take(with_latest=True)[1][0]["data"] == {"id": "1"}
    finally:
        store.send_signal(signal.SIGCONT)
        await hub.stop()


def _publish(port: int, message: str) -> None:
    with redis.Redis(port=port) as client:
        client.publish(CHANNEL, message)


def test_signing_out_ends_the_stream_of_the_session() -> None:
    key = next(iter(session_of(make_user()).values()))
    asyncio.run(_listen_until_signed_out(key))


async def _listen_until_signed_out(key: str) -> None:
    application = StreamApplication(recheck=0.1)
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {
        "type": "http", "method": "GET", "path": "/api/stream", "query_string": b"",
        "headers": [(b"cookie", f"sessionid={key}".encode())],
    }  # fmt: skip
    stream = asyncio.create_task(application(scope, asyncio.Event().wait, sent.put))  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        assert (await sent.get())["status"] == 200
        await asyncio.sleep(0.3)
        assert not stream.done()
        await sync_to_async(_sign_out)(key)
        await stream
    await application.hub.stop()


def _sign_out(key: str) -> None:
    Session.objects.get(pk=key).delete()
    caches["default"].delete(f"django.contrib.sessions.cached_db{key}")
    connection.close()  # of this thread


def _memory(process: subprocess.Popen[bytes]) -> int:
    """Return the resident bytes of a server and its workers."""
    return sum(_resident(number) for number in [process.pid, *_children(process.pid)])


def _children(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(number)
            yield from _children(int(number))


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))
