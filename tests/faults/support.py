"""What the tests with real processes share: engines in a folder of their own, and looking at processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import redis

PROJECT = Path(__file__).resolve().parents[2]
OURS = ("DATABASE_URL", "REDIS_URL", "ALGOTRENDY_EMBEDDED", "ALGOTRENDY_VAR", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")
IS_ROOT = os.geteuid() == 0
AS_NOBODY = (
    # An ordinary user; the one capability only lets it read this interpreter where that lives in root's home.
    *("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
)


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment of a shell that knows nothing of this test run's servers."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**kept, "PYTHONPATH": str(PROJECT), **more}


class Holder:
    """A process that holds the engines of a folder."""

    def __init__(self, var: Path, prefix: Sequence[str] = (), **environment: str) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.faults.holder", str(var)],
            cwd=PROJECT,
            env=clean_environment(**environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = self._read()

    def __getitem__(self, name: str) -> Any:
        return self.said[name]

    def ensure(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.said = self._read()

    def leave(self) -> str:
        """Let it end by itself; return what it wrote to its standard error."""
        return self.process.communicate(timeout=20)[1]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=5)

    def pids(self) -> list[int]:
        """Return the keepers' and servers' processes."""
        states = [self.said["postgres"], self.said["valkey"]]
        return [int(state[key]) for state in states for key in ("server_pid", "keeper_pid")]

    def sql(self, statement: str) -> list[Any]:
        with psycopg.connect(self["database"], autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self["redis"], socket_timeout=5)

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            _, problem = self.process.communicate(timeout=5)
            raise AssertionError(problem)
        return dict(json.loads(line))


@contextlib.contextmanager
def holding(var: Path, prefix: Sequence[str] = (), **environment: str) -> Iterator[Holder]:
    holder = Holder(var, prefix, **environment)
    try:
        yield holder
    finally:
        if holder.process.poll() is None:
            holder.leave()


def eventually(check: Callable[[], object], seconds: float = 10) -> bool:
    """Return whether the check comes true in time; an error counts as not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            if check():
                return True
        time.sleep(0.05)
    return False


def is_running(pid: int) -> bool:
    """Tell whether the process runs; one that ended and was not fetched by its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def descendants(pid: int) -> list[int]:
    return [found for child in children(pid) for found in (child, *descendants(child))]


def kill_hard(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
