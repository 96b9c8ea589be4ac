"""The pulse of a running job: its progress and its heartbeat are written down, and a wish to cancel is noticed.

It beats in a thread of its own, so that neither a rule that takes long nor compiled code keeps it from the row. The
work runs in the main thread of a worker's process; there it is interrupted at once, elsewhere at its next word.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import structlog
from django.db import DatabaseError, connection
from django.utils import timezone

from apps.common.events import publish
from apps.strategies.models import Job, JobStatus
from apps.strategies.selectors.telling import job_told

log = structlog.get_logger(__name__)
INTERVAL = 1.0
"""Seconds between beats."""
type Beat = Callable[[int, str], bool]


class JobCanceled(BaseException):
    """Somebody asked to end the job, or took it away; a rule that catches every Exception does not swallow it."""


class Pulse:
    """Takes down what the work says of its progress, and passes it on once a second.

    `beat` is told percent and stage, writes them down, and returns whether the work is still wanted.
    """

    def __init__(self, beat: Beat, *, name: str = "", interval: float | None = None) -> None:
        self.beat = beat
        self.interval = INTERVAL if interval is None else interval
        self.percent, self.stage = 0, ""
        self.is_canceled = False
        self._is_over = threading.Event()
        self._worker = threading.current_thread()
        self._thread = threading.Thread(target=self._beat, name=f"pulse {name}", daemon=True)
        self._may_interrupt = self._worker is threading.main_thread()

    def tell(self, percent: float, stage: str | None = None) -> None:
        """Say how far the work is, 0 to 100, and what it is at; raises JobCanceled where it is to end."""
        if self.is_canceled:
            raise JobCanceled
        self.percent = max(self.percent, min(int(percent), 99))
        if stage is not None:
            self.stage = stage

    @contextlib.contextmanager
    def beating(self) -> Iterator[Pulse]:
        """Beat while the work goes on; within, a wish to cancel raises JobCanceled."""
        before = signal.signal(signal.SIGUSR2, self._interrupt) if self._may_interrupt else None
        self._thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            self._thread.join()
            if self._may_interrupt:
                signal.signal(signal.SIGUSR2, before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if not self._is_over.is_set():
            raise JobCanceled

    def _beat(self) -> None:
        try:
            while not self._is_over.wait(self.interval):
                self._once()
        finally:
            connection.close()

    def _once(self) -> None:
        try:
            is_wanted = self.beat(self.percent, self.stage)
        except DatabaseError as error:
            log.warning("job_without_pulse", error=str(error).splitlines()[0])
            return
        if not is_wanted:
            if not self.is_canceled and self._may_interrupt:
                signal.pthread_kill(self._worker.ident or 0, signal.SIGUSR2)
            self.is_canceled = True


def job_beat(job: Job) -> Beat:
    """Return the beat of a job that one worker does: its row, and its owner's streams."""

    def beat(percent: int, stage: str) -> bool:
        mine = type(job)._default_manager.filter(
            pk=job.pk, status=JobStatus.RUNNING, attempts=job.attempts, cancel_requested=False
        )
        if not mine.update(heartbeat_at=timezone.now(), progress=percent, stage=stage[:60]):
            return False
        job_publish(job, status=JobStatus.RUNNING, progress=percent, stage=stage)
        return True

    return beat


def job_publish(job: Job, *, status: str, progress: int, stage: str) -> None:
    """Tell the owner's streams how far a job is."""
    publish("backtests", job_told(job, status=status, progress=progress, stage=stage), owner_id=job.owner_id)
