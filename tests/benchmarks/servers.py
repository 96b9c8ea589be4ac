"""Servers for benchmarks: the application as in production, on ports of their own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.processes import PROJECT, free_port, wait_for_port

THREADS = str(2 * (os.cpu_count() or 1))
"""Of a web server's process, as `up` starts it."""


@dataclass(frozen=True)
class Served:
    port: int
    pid: int


@contextlib.contextmanager
def served(application: str = "wsgi", **changes: str) -> Iterator[Served]:
    """Serve `algotrendy.wsgi` or `algotrendy.asgi`, as `up` does, until the block ends.

    `changes` are of its environment.
    """
    port = free_port()
    threads = ["--blocking-threads", THREADS] if application == "wsgi" else []
    command = [
        sys.executable, "-m", "granian", "--interface", application, "--host", "127.0.0.1", "--port", str(port),
        "--no-ws", "--log-level", "warning", "--workers-kill-timeout", "2", *threads,
        f"algotrendy.{application}:application",
    ]  # fmt: skip
    with Path(os.devnull).open("w") as nowhere:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), **changes}
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=nowhere, stderr=nowhere)
        try:
            wait_for_port(port, process)
            yield Served(port, process.pid)
        finally:
            process.terminate()
            process.wait(20)
