"""How things are when a stream begins, and again when it has missed something."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django_redis import get_redis_connection

from apps.accounts.models import Role, User
from apps.marketdata import forming
from tests.apps.dashboard.conftest import Book, book_of
from tests.builders import make_alert, make_candles_rows, make_feed, make_history, make_user
from tests.integration.streams import WEB, Open, Server, bearer, event, valkey
from tests.processes import free_port, granian

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def book() -> Book:
    get_redis_connection("default").flushdb()
    trader = make_user()
    book = book_of(trader)
    make_candles_rows(book.order.instrument, [100, 103], source="replay")
    make_feed(book.order.instrument)
    make_alert(trader)
    make_history(book.order.instrument)
    return book


def test_a_stream_begins_with_how_things_are(server: Server, listen: Open, book: Book) -> None:
    told: dict[str, list[dict[str, Any]]] = listen(server, book.owner).next("snapshot")[1]
    assert set(told) == {
        "candles", "ticker", "summary", "orders", "fills", "positions", "portfolio", "signals", "backtests", "alerts",
        "downloads",
    }  # fmt: skip
    (candle,), (position,), (portfolio,) = told["candles"], told["positions"], told["portfolio"]
    assert (candle["symbol"], candle["close"], candle["timeframe"]) == ("BTC/USD", "103", "1h")
    assert (position["id"], position["closed"]) == (str(book.position.pk), False)
    assert portfolio["id"] == str(book.portfolio.pk)
    assert [alert["message"] for alert in told["alerts"]] == ["The feed is stale."]
    assert [download["status"] for download in told["downloads"]] == ["pending"]
    assert told["summary"][0]["rising"] == 1
    assert told["fills"] == told["signals"] == told["ticker"] == []


def test_an_order_at_work_is_told_as_its_events_tell_it(server: Server, listen: Open, book: Book) -> None:
    book.order.status = "open"
    book.order.save(update_fields=["status"])
    stream = listen(server, book.owner, "?topics=orders")
    (order,) = stream.next("snapshot")[1]["orders"]
    assert (order["id"], order["status"], order["version"]) == (str(book.order.pk), "open", book.order.version)


def test_others_are_told_nothing_of_ones_own(server: Server, listen: Open, book: Book) -> None:
    stranger = make_user("stranger")
    told = listen(server, stranger, "?topics=orders,positions,portfolio,alerts,backtests").next("snapshot")[1]
    assert all(rows == [] for rows in told.values())
    admin = make_user("boss", role=Role.ADMIN)
    assert listen(server, admin, "?topics=positions").next("snapshot")[1]["positions"] != []


def test_symbols_and_a_wish_for_none_narrow_it(server: Server, listen: Open, book: Book) -> None:
    forming.keep("BTC/USD", {"close": "104.5", "timeframe": "1h", "source": "replay", "at": "2024-03-01T12:00:00Z"})
    told = listen(server, book.owner, "?topics=ticker,positions&symbols=BTC/USD").next("snapshot")[1]
    assert [tick["price"] for tick in told["ticker"]] == ["104.5"]
    assert len(told["positions"]) == 1
    told = listen(server, book.owner, "?topics=ticker,positions,portfolio&symbols=EUR/USD").next("snapshot")[1]
    assert told["ticker"] == told["positions"] == []
    assert len(told["portfolio"]) == 1
    quiet = listen(server, book.owner, "?topics=orders,positions&snapshot=no")
    server.publish(event("orders", {"id": "1"}, book.owner))
    assert quiet.next("snapshot", "orders")[0] == "orders"


STREAMS = 200


class Reader:
    """One of many streams, read without a thread."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int, user: User, headers: dict[str, str]) -> Reader:
        made = cls(*await asyncio.open_connection("127.0.0.1", port))
        lines = ["GET /api/stream?topics=orders HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        made.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await made.until("hello", "snapshot")
        return made

    async def until(self, *events: str) -> str:
        """Return the data of the last of these events, which come in this order."""
        data = ""
        for wanted in events:
            async with asyncio.timeout(30):
                while (await self.reader.readline()).strip() != f"event: {wanted}".encode():
                    assert not self.reader.at_eof(), f"ended before {wanted}"
                data = (await self.reader.readline()).decode().removeprefix("data: ")
        return data


def test_two_hundred_streams_outlive_a_restart_of_redis(tmp_path: Path) -> None:
    port, stream_port = free_port(), free_port()
    url = f"redis://127.0.0.1:{port}/0"
    trader = make_user()
    headers = bearer(trader)
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(valkey(port, tmp_path))
        process = stack.enter_context(granian("asgi", stream_port, WEB_URL=WEB, REDIS_URL=url))
        files = open_files(process.pid)
        server = Server(stream_port, process, url)

        async def run() -> list[str]:
            readers = [await Reader.open(stream_port, trader, headers) for _ in range(STREAMS)]
            store.kill()
            store.wait(timeout=10)
            stack.enter_context(valkey(port, tmp_path))
            await asyncio.gather(*(reader.until("resync", "snapshot") for reader in readers))
            await asyncio.to_thread(server.publish, event("orders", {"id": "back"}, trader))
            heard = await asyncio.gather(*(reader.until("orders") for reader in readers))
            for reader in readers:
                reader.writer.close()
            return heard

        heard = asyncio.run(run())
        assert [json.loads(text)["data"]["id"] for text in heard] == ["back"] * STREAMS
        deadline = time.monotonic() + 15
        while open_files(process.pid) > files + 20:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def open_files(pid: int) -> int:
    """Return how many files and sockets the process and its children have open."""
    children = (Path(f"/proc/{pid}/task/{pid}/children")).read_text().split()
    return len(os.listdir(f"/proc/{pid}/fd")) + sum(open_files(int(child)) for child in children)
