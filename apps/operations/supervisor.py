"""A small process supervisor: starts children in order, restarts what crashes, stops everything within its time.

Children never outlive it. One that crashes is started again after a growing pause; one that crashes too often in a
short time is given up, and with it the whole platform, which then ends with a status that is not 0.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from apps.common.embedded.processes import die_with_parent

GUARD = Path(__file__).with_name("guard.py")
COLORS = (36, 35, 32, 33, 34, 96, 95, 92)
CRASHES_ALLOWED = 5
CRASH_WINDOW = 60.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
TICK = 0.2


@dataclass
class Service:
    """A child to run. `stop_order` counts from the first to be stopped; equals are stopped together."""

    name: str
    command: Sequence[str]
    stop_order: int = 0
    patience: float = 4.0
    """Seconds it may take to stop before it is killed."""
    stop_signal: signal.Signals = signal.SIGTERM
    delay: float = 0.0
    """Seconds after the supervisor's own start, so that what a person waits for has the processor to itself."""
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    crashes: deque[float] = field(default_factory=deque, init=False)
    start_at: float = field(default=0.0, init=False)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Runs services until it is told to stop or one of them dies for good; `run` returns the exit status."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        watch: Callable[[], None] = lambda: None,
        output: IO[str] | None = None,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self.services = list(services)
        self.watch = watch
        self.first_pause = first_pause
        self.output = output or sys.stdout
        self.color = self.output.isatty() and "NO_COLOR" not in os.environ
        self.width = max(len(service.name) for service in self.services)
        self.selector = selectors.DefaultSelector()
        self.guard: IO[str] | None = None
        self.signals = 0
        self.failed: Service | None = None

    def run(self) -> int:
        """Run until Ctrl-C, SIGTERM or a service's final failure; a second signal kills at once."""
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        guard = self._start_guard()
        try:
            for service in self.services:
                service.start_at = time.monotonic() + service.delay
            while not self.signals and self.failed is None:
                self._revive()
                self._pump(TICK)
                self.watch()
        finally:
            self._stop_all()
            guard.communicate()
            for number, handler in before.items():
                signal.signal(number, handler)
        if self.failed is not None:
            self.say("up", f"{self.failed.name} keeps failing; everything was stopped. Its last lines above say why.")
            return 1
        return 0

    def say(self, name: str, line: str) -> None:
        """Print one line under a name."""
        index = next((i for i, service in enumerate(self.services) if service.name == name), None)
        prefix = f"{name:<{self.width}} | "
        if self.color:
            prefix = f"\033[{1 if index is None else COLORS[index % len(COLORS)]}m{prefix}\033[0m"
        self.output.write(f"{prefix}{line}\n")
        self.output.flush()

    def _start_guard(self) -> subprocess.Popen[str]:
        guard = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-S", "-E", GUARD], stdin=subprocess.PIPE, text=True, start_new_session=True
        )
        self.guard = guard.stdin
        return guard

    def _tell_guard(self, sign: str, group: int) -> None:
        if self.guard is not None:
            with suppress(OSError):
                self.guard.write(f"{sign}{group}\n")
                self.guard.flush()

    def _on_signal(self, number: int, frame: object) -> None:
        self.signals += 1

    def _start(self, service: Service) -> None:
        service.process = subprocess.Popen(  # noqa: S603 - our own commands
            list(service.command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **service.environment},
            preexec_fn=die_with_parent(signal.SIGKILL, os.getpid()),
            start_new_session=True,  # Ctrl-C is for the supervisor, which stops them in their order.
        )
        self._tell_guard("+", service.process.pid)
        if service.process.stdout is not None:
            os.set_blocking(service.process.stdout.fileno(), False)
            self.selector.register(service.process.stdout, selectors.EVENT_READ, (service, bytearray()))

    def _pump(self, timeout: float) -> None:
        """Pass on what the children have printed, line by line."""
        for key, _ in self.selector.select(timeout):
            service, rest = key.data
            chunk = os.read(key.fd, 65536)
            rest += chunk
            *lines, tail = bytes(rest).split(b"\n")
            rest[:] = tail
            for line in lines if chunk else [*lines, tail]:
                if line.strip():
                    self.say(service.name, line.decode(errors="replace").rstrip())
            if not chunk:
                self.selector.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]

    def _revive(self) -> None:
        now = time.monotonic()
        for service in self.services:
            if service.is_running:
                continue
            if service.process is not None:
                self._note_crash(service, now)
            elif now >= service.start_at and self.failed is None:
                self._start(service)

    def _note_crash(self, service: Service, now: float) -> None:
        """Plan the service's next start, later with each crash of the last minute; give up after too many."""
        status = service.process.returncode if service.process else None
        self._end_group(service)
        service.process = None
        service.crashes.append(now)
        while service.crashes and now - service.crashes[0] > CRASH_WINDOW:
            service.crashes.popleft()
        if len(service.crashes) > CRASHES_ALLOWED:
            self.failed = service
            return
        pause = min(self.first_pause * 2 ** (len(service.crashes) - 1), LONGEST_PAUSE)
        service.start_at = now + pause
        self.say(service.name, f"ended with status {status}; starting again in {pause:g} s")

    def _stop_all(self) -> None:
        """Stop the services group by group; print on what they say while they end."""
        for order in sorted({service.stop_order for service in self.services}):
            group = [service for service in self.services if service.stop_order == order and service.is_running]
            for service in group:
                self._signal(service, service.stop_signal)
            deadlines = {service.name: time.monotonic() + service.patience for service in group}
            while running := [service for service in group if service.is_running]:
                self._pump(0.05)
                for service in running:
                    if self.signals > 1 or time.monotonic() > deadlines[service.name]:
                        self._signal(service, signal.SIGKILL)
            for service in group:
                self._end_group(service)
            self._pump(0)  # Their last words come before those of the next group.

    def _end_group(self, service: Service) -> None:
        """End what an ended child has left behind: it would keep its port."""
        if service.process is not None:
            self._signal(service, signal.SIGKILL)
            self._tell_guard("-", service.process.pid)

    @staticmethod
    def _signal(service: Service, number: signal.Signals) -> None:
        if service.process is None:
            return
        try:
            if number is signal.SIGKILL:
                os.killpg(service.process.pid, number)
            else:
                service.process.send_signal(number)
        except ProcessLookupError:
            pass
