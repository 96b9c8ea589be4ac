"""What a strategy file may take of the machine while it is looked at, and how a process is held to it."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import signal
from dataclasses import dataclass
from typing import Any, NoReturn

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of processor time, which do not depend on how busy the machine is, seconds by the clock, and memory.

    Importing a file and trying its strategies are limited each for themselves.
    """

    import_seconds: float = 5.0
    trial_seconds: float = 20.0
    waiting: float = 10.0
    """Seconds by the clock beyond the processor's, for a file that sleeps."""
    memory: int = 1024 * MEGABYTE

    @property
    def longest(self) -> float:
        """After so many seconds a process that still runs has escaped its own clocks."""
        return self.import_seconds + self.trial_seconds + 2 * self.waiting + 10


class Watch:
    """Holds this process to limits, and writes into a file where the code was when it went beyond them, or crashed."""

    def __init__(self, handle: int, limits: Limits) -> None:
        self._handle, self._limits = handle, limits
        faulthandler.enable(handle)
        faulthandler.register(signal.SIGPROF, handle, chain=True)  # write, then die of it
        for what, most in (
            (resource.RLIMIT_AS, limits.memory),
            (resource.RLIMIT_CPU, int(limits.longest)),
            (resource.RLIMIT_FSIZE, MEGABYTE),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(OSError, ValueError):  # where the system knows or allows no such limit
                resource.setrlimit(what, (most, most))
        os._exit = self._leave

    def begin(self, stage: str, seconds: float) -> None:
        """Start a stage, with its own clocks."""
        os.write(self._handle, f"STAGE {stage}\n".encode())
        signal.setitimer(signal.ITIMER_PROF, seconds)
        faulthandler.dump_traceback_later(seconds + self._limits.waiting, exit=True, file=self._handle)

    def end(self, verdict: str) -> NoReturn:
        """Write the verdict, and end this process with whatever it has started."""
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.write(self._handle, f"\nVERDICT {verdict}\n".encode())
        os.killpg(0, signal.SIGKILL)
        raise AssertionError("This process is gone.")

    def _leave(self, status: Any) -> NoReturn:
        faulthandler.dump_traceback(self._handle, all_threads=False)
        _leave(status)


_leave = os._exit
