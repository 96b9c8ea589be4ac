"""The loopback exchange in a process of its own, which outlives whatever asks it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tests.processes import PROJECT, free_port, wait_for_port

from .formats import FORMATS


@dataclass(frozen=True)
class ExchangeProcess:
    port: int

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

    def asked(self) -> list[tuple[str, dict[str, str]]]:
        """Return the requests for candles so far, each with its path and query."""
        found: list[tuple[str, dict[str, str]]] = requests.get(
            f"http://127.0.0.1:{self.port}/control", timeout=5
        ).json()
        return found


@contextmanager
def exchange_process() -> Iterator[ExchangeProcess]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.exchange", "--port", str(port)], cwd=PROJECT)
    try:
        wait_for_port(port, process)
        yield ExchangeProcess(port)
    finally:
        process.kill()
        process.wait()
