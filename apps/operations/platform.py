"""The processes of a running platform, and where each listens."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from apps.common.jobs import BACKTEST_QUEUES, MARKET_QUEUES, TRADING_QUEUES, VENUE_QUEUES
from apps.operations.supervisor import Service

STARTS = {
    "web": 0.0,
    "stream": 2.0,
    "worker": 2.0,
    "feed": 2.0,
    "beat": 4.0,
    "backtests": 4.0,
    "market": 6.0,
    "venues": 6.0,
    "flower": 4.0,
}
"""Seconds to wait with each: on two cores eight interpreters at once make a person wait for the first page."""
WSGI = "algotrendy.wsgi:application"
ASGI = "algotrendy.asgi:application"
HEADERS_LIMIT = "65536"
"""Bytes that the headers of a request may have in all; the server answers 431 to more."""
FLOWER_HOST = "127.0.0.1"
"""Flower can end tasks and workers: it stays on the machine, also where the web server is open to others."""
STOPS = {
    "beat": (0, 1.2),
    "feed": (0, 1.2),
    "web": (1, 2.5),
    "stream": (1, 2.5),
    "worker": (2, 3.5),
    "backtests": (2, 3.5),
    "market": (2, 3.5),
    "venues": (2, 3.5),
    "flower": (3, 0.7),
}
"""When each is stopped, and the seconds it may take: first what makes work, then what takes requests, then the workers,
which finish what they have begun, then Flower. Even where none of them listens that adds up to less than 8 seconds:
with the engines it stays below the 10 that a stop may take."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The host and ports of one platform; `flower_port` is None where Flower is left out."""

    host: str
    web_port: int
    stream_port: int
    flower_port: int | None

    @property
    def web(self) -> str:
        return self._url(self.web_port)

    @property
    def stream(self) -> str:
        return self._url(self.stream_port)

    @property
    def flower(self) -> str:
        return f"http://localhost:{self.flower_port}"

    def shown(self, flower_sign_in: str) -> Iterator[tuple[str, str]]:
        """Yield what to tell a person: a name and an address each."""
        yield "Console", f"{self.web}/admin/"
        yield "API", f"{self.web}/api/docs"
        yield "Stream", f"{self.stream}/api/stream"
        yield "Metrics", f"{self.web}/metrics"
        if self.flower_port:
            yield "Flower", f"{self.flower} {flower_sign_in}".rstrip()

    def _url(self, port: int) -> str:
        host = "localhost" if self.host in ("127.0.0.1", "0.0.0.0", "::", "::1") else self.host  # noqa: S104
        return f"http://{host}:{port}"


def services(addresses: Addresses) -> list[Service]:
    """Return the platform's processes in the order in which they start."""
    host, celery = addresses.host, ("-m", "celery", "-q", "-A", "algotrendy.celery")
    quiet = ["--log-level", "warning", "--no-ws", "--workers-kill-timeout", "2"]
    granian = ("-m", "granian", "--host", host, *quiet, "--http1-buffer-size", HEADERS_LIMIT)
    web = f"--workers {_count('WEB_WORKERS', 1)} --blocking-threads {_count('WEB_THREADS', 2 * (os.cpu_count() or 1))}"
    concurrency = _count("BACKTEST_WORKER_CONCURRENCY", 1)
    found = [
        _python("web", *granian, f"--port={addresses.web_port}", "--interface=wsgi", *web.split(), WSGI),
        _python("stream", *granian, f"--port={addresses.stream_port}", "--interface=asgi", ASGI),
        _python("worker", *celery, *_worker("worker", TRADING_QUEUES)),
        _python("venues", *celery, *_worker("venues", VENUE_QUEUES), "-c", _count("VENUE_WORKER_CONCURRENCY", 2)),
        _python("beat", *celery, *["beat", "--pidfile=", "-l", "warning"]),
        _python("feed", "manage.py", "run_feeds"),
        _python("backtests", *celery, *_worker("backtests", BACKTEST_QUEUES), "-c", concurrency),
        _python("market", *celery, *_worker("market", MARKET_QUEUES), "-c", _count("MARKET_WORKER_CONCURRENCY", 2)),
    ]
    if addresses.flower_port:
        flower = ("flower", f"--address={FLOWER_HOST}", f"--port={addresses.flower_port}", "--logging=warning")
        found.append(_python("flower", *celery, *flower))
    return found


def _worker(name: str, queues: Iterable[str]) -> list[str]:
    return f"worker -Q {','.join(queues)} -l info --without-gossip --without-mingle -n {name}@%h".split()


def _python(name: str, *arguments: str) -> Service:
    # Root runs the platform in containers and trials; Celery's warning about it would head every start.
    quiet = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser"}
    order, patience = STOPS[name]
    command, delay = [sys.executable, *arguments], STARTS[name]
    return Service(name, command, stop_order=order, patience=patience, environment=quiet, delay=delay)


def _count(variable: str, default: int) -> str:
    return os.environ.get(variable) or str(default)
