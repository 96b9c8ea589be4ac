"""Real server processes for tests: granian on a free port, reading the test's own database and Redis."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection

PROJECT = Path(__file__).resolve().parents[1]
STARTING = 60.0
PORTS_EACH = 100
_ports = itertools.count()


def free_port() -> int:
    """Return a port that nobody listens on, below those that the kernel gives out, and another one each time.

    Runs at the same time look in places of their own: a port is often kept for later, and servers share one silently.
    """
    for _ in range(PORTS_EACH):
        port = 10_000 + os.getpid() % 200 * PORTS_EACH + next(_ports) % PORTS_EACH
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("Every port of this process is taken.")


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once something listens; raise when the process has ended or the time is over."""
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with status {process.returncode}.")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"Nothing listens on port {port} after {STARTING} s.")


def database_url() -> str:
    """Return the address of the test's own database."""
    database = connection.settings_dict
    address = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return f"postgres://{address}".replace(":@", "@")


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of a process that uses the test's own database and Redis."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "algotrendy.settings.test",
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "HTTPS": "false",
        **changes,
    }


@contextlib.contextmanager
def granian(interface: str, port: int, **changes: str) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the platform's WSGI or ASGI application until the block ends."""
    command = [
        sys.executable, "-m", "granian", "--interface", interface, "--host", "127.0.0.1", "--port", str(port),
        "--no-ws", "--log-level", "warning", "--workers-kill-timeout", "2", "--http1-buffer-size", "65536",
        f"algotrendy.{interface}:application",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=PROJECT, env=environment(**changes))
    try:
        wait_for_port(port, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
