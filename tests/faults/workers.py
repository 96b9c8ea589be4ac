"""A real Celery worker that a test may kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

from tests.processes import PROJECT, environment


class Worker:
    """A worker of some queues, in a group of processes of its own."""

    def __init__(self, queues: str, **changes: str) -> None:
        command = ["-m", "celery", "-q", "-A", "algotrendy.celery", "worker", "-c", "1", "-Q", queues]
        self.process = subprocess.Popen(
            [sys.executable, *command, "--without-gossip", "--without-mingle"],
            cwd=PROJECT,
            env=environment(LOG_LEVEL="WARNING", **changes),
            start_new_session=True,
        )

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
