"""The event stream as its clients meet it: a real granian process, a real Redis, plain HTTP."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from pathlib import Path

import pytest
import requests
from django.conf import settings

from apps.accounts.models import Role
from tests.builders import make_user
from tests.integration.streams import WEB, Open, Server, bearer, event, session_of, valkey
from tests.processes import free_port, granian

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_is_let_in(server: Server) -> None:
    trader, nobody = make_user(), make_user("nobody", role=None)
    get = requests.get
    assert get(server.url, timeout=5).status_code == 401
    assert get(server.url, timeout=5).json()["code"] == "not_authenticated"
    assert get(server.url, headers={"Authorization": "Bearer forged"}, timeout=5).status_code == 401
    assert get(server.url, cookies={settings.SESSION_COOKIE_NAME: "forged"}, timeout=5).status_code == 401
    assert get(server.url, headers=bearer(nobody), timeout=5).status_code == 403
    assert get(f"{server.url}?topics=secrets", headers=bearer(trader), timeout=5).json()["code"] == "unknown_topic"
    assert get(server.url.replace("stream", "orders"), headers=bearer(trader), timeout=5).status_code == 404
    assert requests.post(server.url, headers=bearer(trader), timeout=5).status_code == 405
    with get(server.url, cookies=session_of(trader), stream=True, timeout=5) as by_session:
        assert by_session.status_code == 200
        assert by_session.headers["Content-Type"].startswith("text/event-stream")


def test_only_pages_of_the_web_server_may_read_it(server: Server) -> None:
    cookies = session_of(make_user())

    def asked_from(origin: str) -> requests.Response:
        with requests.get(server.url, cookies=cookies, headers={"Origin": origin}, stream=True, timeout=5) as response:
            return response

    ours = asked_from(WEB)
    assert ours.headers["Access-Control-Allow-Origin"] == WEB
    assert ours.headers["Access-Control-Allow-Credentials"] == "true"
    assert asked_from("http://127.0.0.1:8000").status_code == 200  # the same server by its other loopback name
    for foreign in ("https://evil.example", "http://localhost:9999", "null"):
        refused = asked_from(foreign)
        assert refused.status_code == 403
        assert "Access-Control-Allow-Origin" not in refused.headers


def test_each_hears_their_own_and_an_admin_hears_all(server: Server, listen: Open) -> None:
    trader, other, admin = make_user(), make_user("other"), make_user("admin", role=Role.ADMIN)
    mine, theirs, all_of_it = (listen(server, user) for user in (trader, other, admin))
    server.publish(
        event("orders", {"id": "1", "symbol": "A"}, trader),
        event("orders", {"id": "2", "symbol": "A"}, other),
        event("signals", {"id": "last", "symbol": "A"}),
    )
    assert mine.next("orders", "signals") == ("orders", {"id": "1", "symbol": "A"})
    assert mine.next("orders", "signals")[1]["id"] == "last"
    assert theirs.next("orders", "signals")[1]["id"] == "2"
    assert [all_of_it.next("orders", "signals")[1]["id"] for _ in range(3)] == ["1", "2", "last"]


def test_topics_and_symbols_narrow_the_stream(server: Server, listen: Open) -> None:
    trader = make_user()
    stream = listen(server, trader, "?topics=fills&symbols=EUR/USD,GOOGL")
    server.publish(
        event("orders", {"id": "1", "symbol": "EUR/USD"}, trader),
        event("fills", {"order": "2", "symbol": "BTC/USD"}, trader),
        event("fills", {"order": "3", "symbol": "EUR/USD"}, trader),
    )
    assert stream.next("orders", "fills") == ("fills", {"order": "3", "symbol": "EUR/USD"})


def test_of_what_changes_often_the_newest_value_comes_at_most_five_times_a_second(server: Server, listen: Open) -> None:
    trader = make_user()
    stream = listen(server, trader, "?topics=portfolio")
    seen, started = [], time.monotonic()
    for number in range(100):
        server.publish(event("portfolio", {"id": "p", "equity": str(number)}, trader))
        time.sleep(0.01)
    while not seen or seen[-1] != "99":
        seen.append(stream.next("portfolio")[1]["equity"])
    assert len(seen) <= (time.monotonic() - started) * 5 + 2
    assert seen == sorted(seen, key=int)


def test_of_the_prices_between_candles_the_newest_of_each_symbol_comes(server: Server, listen: Open) -> None:
    stream = listen(server, make_user(), "?topics=ticker")
    for number in range(50):
        for symbol in ("BTC/USDT", "ETH/USDT"):
            server.publish(event("ticker", {"symbol": symbol, "price": str(number)}))
    seen: dict[str, list[str]] = {}
    while not all(prices[-1:] == ["49"] for prices in (seen.get("BTC/USDT", []), seen.get("ETH/USDT", []))):
        data = stream.next("ticker")[1]
        seen.setdefault(data["symbol"], []).append(data["price"])
    assert all(len(prices) <= 10 for prices in seen.values())


def test_an_overflow_drops_the_oldest_and_asks_for_a_new_snapshot(server: Server, listen: Open) -> None:
    trader = make_user()
    stream = listen(server, trader, "?topics=fills")
    padding = "x" * 4000  # 20 MB in all: more than the sockets' buffers hold
    server.publish(*(event("fills", {"order": str(number), "padding": padding}, trader) for number in range(5000)))
    time.sleep(2)  # reading nothing, while the server fills the sockets' buffers and then its queue
    kinds, last = set(), ""
    while last != "4999":
        kind, data = stream.next("fills", "resync", within=20)
        kinds.add(kind)
        last = data.get("order", last)
    assert kinds == {"fills", "resync"}


def test_a_client_that_does_not_read_holds_up_nobody(server: Server, listen: Open) -> None:
    trader = make_user()
    with socket.create_connection(("127.0.0.1", server.port)) as stuck:
        token = bearer(trader)["Authorization"]
        stuck.sendall(f"GET /api/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\r\n".encode())
        stream = listen(server, trader, "?topics=orders")
        for batch in range(20):
            server.publish(
                *(event("orders", {"id": f"{batch}-{n}", "padding": "x" * 2000}, trader) for n in range(100))
            )
            while stream.next("orders", within=5)[1]["id"] != f"{batch}-99":
                pass
        started = time.monotonic()
        server.publish(event("orders", {"id": "after"}, trader))
        assert stream.next("orders")[1]["id"] == "after"
        assert time.monotonic() - started < 1


def test_the_stream_goes_on_after_redis_was_restarted(listen: Open, tmp_path: Path) -> None:
    port, stream_port = free_port(), free_port()
    url = f"redis://127.0.0.1:{port}/0"
    trader = make_user()
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(valkey(port, tmp_path))
        process = stack.enter_context(granian("asgi", stream_port, WEB_URL=WEB, REDIS_URL=url))
        server = Server(stream_port, process, url)
        stream = listen(server, trader, "?topics=orders")
        store.terminate()
        store.wait(timeout=10)
        stack.enter_context(valkey(port, tmp_path))
        assert stream.next("resync", within=15)[0] == "resync"
        server.publish(event("orders", {"id": "back"}, trader))
        assert stream.next("orders")[1]["id"] == "back"


def test_open_streams_do_not_hold_up_the_end(own_server: Server, listen: Open) -> None:
    listen(own_server, make_user())
    started = time.monotonic()
    own_server.process.send_signal(signal.SIGTERM)
    own_server.process.wait(timeout=10)
    assert time.monotonic() - started < 3


def test_no_stream_holds_a_database_connection(own_server: Server, listen: Open) -> None:
    from django.db import connection

    def connections() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return int(cursor.fetchone()[0])

    trader = make_user()
    before = connections()
    for _ in range(8):
        listen(own_server, trader)
    deadline = time.monotonic() + 5  # a closed connection's server process takes a moment to go
    while connections() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert connections() <= before


def test_an_event_of_a_service_arrives_once_its_transaction_has_committed(server: Server, listen: Open) -> None:
    from django.db import transaction

    from apps.common.events import publish

    trader = make_user()
    stream = listen(server, trader, "?topics=orders")
    with contextlib.suppress(RuntimeError), transaction.atomic():
        publish("orders", {"id": "undone"}, owner_id=trader.pk)
        raise RuntimeError
    with transaction.atomic():
        publish("orders", {"id": "done"}, owner_id=trader.pk)
    assert stream.next("orders")[1]["id"] == "done"
