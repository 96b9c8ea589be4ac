"""An exchange on loopback: the public market data of four real ones, and one that trades, with faults on demand."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.serving import serving

from .formats import FORMATS
from .trading import TradingVenue
from .trading.orders import Refused
from .trading.venue import EVERY_ROUTE, Lost

CANDLES = ("klines", "candles", "OHLC")
"""How the addresses of candles end."""
MONDAY = 345600


@dataclass
class Fault:
    """What happens to the next request for candles instead of an answer."""

    kind: str  # status, cut, hang, html, half
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)


class LoopbackExchange(ThreadingHTTPServer):
    """Answers under /binance, /okx, /coinbase and /kraken as the exchange of that name does.

    `first` and `now` bound the market (Unix seconds; the real time where None); `skew` moves the clock that it tells;
    `missing` are open times that it has no candle for; `delay` are the seconds that a page of candles takes. Signed
    requests under /binance are answered by `trading`, which /trading controls.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0, file: Path | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.first = 1_600_000_000
        self.now: float | None = None
        self.skew = 0.0
        self.delay = 0.0
        self.missing: set[int] = set()
        self.faults: deque[Fault] = deque()
        self.requests: list[tuple[float, str, dict[str, str]]] = []
        self.seen_headers: list[dict[str, str]] = []
        self.trading = TradingVenue(lambda: int(self.clock() * 1000), file)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Be quiet of clients that are killed while they ask."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def endpoints(self) -> dict[str, str]:
        return {name: f"{self.url}/{name}" for name in FORMATS}

    def clock(self) -> float:
        return (time.time() if self.now is None else self.now) + self.skew

    def times(self, seconds: int) -> list[int]:
        origin = MONDAY % seconds
        first = self.first + (origin - self.first) % seconds
        return [each for each in range(first, int(self.clock()) + 1, seconds) if each not in self.missing]

    def candle_requests(self) -> list[tuple[float, str, dict[str, str]]]:
        return [request for request in self.requests if request[1].endswith(CANDLES)]

    def control(self, wishes: dict[str, Any]) -> None:
        """Change what the market and its faults are."""
        self.faults.extend(Fault(**fault) for fault in wishes.pop("faults", ()))
        self.missing |= set(wishes.pop("missing", ()))
        for name, value in wishes.items():
            if name not in ("first", "now", "skew", "delay"):
                raise ValueError(f"There is no {name} to control.")
            setattr(self, name, value)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LoopbackExchange

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.server.clock(), usegmt=True)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.path == "/control":
            self.server.control(json.loads(body))
        elif self.path == "/trading":
            self.server.trading.control(json.loads(body))
        else:
            self._trade("POST", urlsplit(self.path).path, body)
            return
        self._send(200, b"{}")

    def do_DELETE(self) -> None:
        parts = urlsplit(self.path)
        self._trade("DELETE", parts.path, parts.query)

    def do_GET(self) -> None:
        if self.path == "/trading":
            self._send(200, json.dumps(self.server.trading.truth(), default=str).encode())
            return
        if ("GET", urlsplit(self.path).path.removeprefix("/binance")) in EVERY_ROUTE:
            self._trade("GET", *urlsplit(self.path)[2:4])
            return
        if self.path == "/control":
            self._send(200, json.dumps([[path, query] for _, path, query in self.server.candle_requests()]).encode())
            return
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        self.server.requests.append((time.monotonic(), parts.path, query))
        self.server.seen_headers.append({name.lower(): value for name, value in self.headers.items()})
        name = parts.path.split("/")[1]
        answer = FORMATS[name](parts.path, query, self.server.times) if name in FORMATS else None
        is_candles = parts.path.endswith(CANDLES)
        time.sleep(self.server.delay if is_candles else 0)
        if is_candles and self.server.faults:
            self._fail(self.server.faults.popleft(), json.dumps(answer).encode())
        elif answer is None:
            self._send(404, b'{"code": 404}')
        else:
            self._send(200, json.dumps(answer).encode())

    def _trade(self, method: str, path: str, signed: str) -> None:
        """Answer a signed request, or lose the answer as its fault says."""
        route = path.removeprefix("/binance")
        if (method, route) not in EVERY_ROUTE:
            self._send(404, b'{"code": -1, "msg": "no such address"}')
            return
        try:
            answer = self.server.trading.answer(method, route, signed, self.headers.get("X-MBX-APIKEY", ""))
        except Refused as error:
            self._send(error.status, json.dumps(error.body).encode())
        except Lost as lost:
            fault = lost.fault
            if fault.kind == "status":
                waits = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
                self._send(fault.status, json.dumps({"code": fault.code, "msg": fault.message}).encode(), waits)
            elif fault.kind == "garbage":
                self._send(200, b"<html><body>Just a moment ...</body></html>", {"Content-Type": "text/html"})
            else:
                time.sleep(fault.seconds if fault.kind == "timeout" else 0)
                self.close_connection = True
        else:
            self._send(200, json.dumps(answer).encode())

    def _fail(self, fault: Fault, body: bytes) -> None:
        if fault.kind == "status":
            self._send(fault.status, b'{"code": -1003, "msg": "Too many requests."}', fault.headers)
        elif fault.kind == "html":
            self._send(200, b"<html><body>Just a moment ...</body></html>", {"Content-Type": "text/html"})
        elif fault.kind == "half":
            self._send(200, body[: len(body) // 2])
        elif fault.kind == "hang":
            time.sleep(5)
            self.close_connection = True
        else:  # cut: the answer promises more than it holds
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + 10))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)


@contextlib.contextmanager
def running(port: int = 0, file: Path | None = None) -> Iterator[LoopbackExchange]:
    """Serve in a thread."""
    with serving(LoopbackExchange(port, file)) as server:
        yield server
