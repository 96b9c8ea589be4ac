"""The loopback exchange in a process of its own, which outlives whatever asks it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.processes import PROJECT, free_port, wait_for_port

from .formats import FORMATS


@dataclass
class ExchangeProcess:
    port: int
    state: Path | None = None
    """A file that keeps what was traded, for `restart`."""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.exchange", "--port", str(self.port)]
        command += [] if self.state is None else ["--state", str(self.state)]
        self.process = subprocess.Popen(command, cwd=PROJECT)
        wait_for_port(self.port, self.process)

    def kill(self) -> None:
        """End it without warning, as `kill -9` does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs so that every exchange is this one, asked as fast as it answers."""
        endpoints = {name: f"http://127.0.0.1:{self.port}/{name}" for name in FORMATS}
        return {
            "EXCHANGE_ENDPOINTS": json.dumps(endpoints),
            "EXCHANGE_RATE_LIMITS": json.dumps(dict.fromkeys(FORMATS, 1)),
            "EXCHANGE_TIMEOUT_SECONDS": "2",
        }

    def control(self, **wishes: Any) -> None:
        requests.post(f"http://127.0.0.1:{self.port}/control", json=wishes, timeout=5).raise_for_status()

    def trade(self, **wishes: Any) -> None:
        """Do something to the exchange that trades: `TradingVenue.control` says what there is."""
        requests.post(f"{self.url}/trading", json=wishes, timeout=5).raise_for_status()

    def truth(self) -> dict[str, Any]:
        """Return every order and trade of the exchange, its accounts, and the signed requests that it got."""
        found: dict[str, Any] = requests.get(f"{self.url}/trading", timeout=5).json()
        return found

    def asked(self) -> list[tuple[str, dict[str, str]]]:
        """Return the requests for candles so far, each with its path and query."""
        found: list[tuple[str, dict[str, str]]] = requests.get(
            f"http://127.0.0.1:{self.port}/control", timeout=5
        ).json()
        return found


@contextmanager
def exchange_process(state: Path | None = None) -> Iterator[ExchangeProcess]:
    exchange = ExchangeProcess(free_port(), state)
    try:
        exchange.start()
        yield exchange
    finally:
        exchange.kill()
