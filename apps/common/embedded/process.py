"""Child processes that never outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

PR_SET_PDEATHSIG = 1


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Return what a child runs before its program: ask Linux for a signal when the parent is gone, however it went."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # The parent had gone before the question was put.

    return ask


def stop(
    process: subprocess.Popen[bytes] | None,
    first: signal.Signals,
    *,
    patience: float,
    last_resort: signal.Signals = signal.SIGKILL,
) -> None:
    """End a process with a signal, and with stronger ones where it takes longer than `patience` seconds."""
    if process is None or process.poll() is not None:
        return
    for number, seconds in ((first, patience), (last_resort, 2.0), (signal.SIGKILL, 2.0)):
        with suppress(ProcessLookupError):
            process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
