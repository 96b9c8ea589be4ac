"""Servers for benchmarks: the application as in production, on ports of their own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Served:
    port: int
    pid: int


@contextlib.contextmanager
def served(application: str = "wsgi", **changes: str) -> Iterator[Served]:
    """Serve `algotrendy.wsgi` or `algotrendy.asgi` until the block ends; `changes` are of its environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        sys.executable, "-m", "granian", "--interface", application, "--host", "127.0.0.1", "--port", str(port),
        "--no-ws", "--log-level", "warning", "--workers-kill-timeout", "2", f"algotrendy.{application}:application",
    ]  # fmt: skip
    with Path(os.devnull).open("w") as nowhere:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), **changes}
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=nowhere, stderr=nowhere)
        try:
            _wait_for(port, process)
            yield Served(port, process.pid)
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("The server has ended; run it by hand to see why.")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("The server does not answer.")
