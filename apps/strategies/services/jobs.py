"""The life of a background job: created, claimed by one worker, ended once; taken up again where a worker was lost."""

from __future__ import annotations

import contextlib
import resource
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from traceback import extract_tb
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from algotrendy.trading.errors import TradingError
from apps.accounts.models import User
from apps.common.jobs import enqueue
from apps.strategies import metrics
from apps.strategies.models import ACTIVE, Job, JobStatus
from apps.strategies.pulse import JobCanceled, Pulse, job_beat, job_publish

log = structlog.get_logger(__name__)
LOST_AFTER = timedelta(seconds=30)
"""A running job whose heart has not beaten for so long has lost its worker."""
UNSENT_AFTER = timedelta(seconds=20)
MAX_ATTEMPTS = 2
type Store = Callable[[Any], None]
"""Writes what came of the work to the job's locked row."""


class TooManyJobs(TradingError):
    """The person has as many jobs under way as one may have."""

    code = "too_many_jobs"


class JobNotCancelable(TradingError):
    """The job is over."""

    code = "job_not_cancelable"


class JobIsActive(TradingError):
    """The job is waiting or running: cancel it first."""

    code = "job_is_active"


def require_room(owner: User, *models: type[Job]) -> None:
    """Raise TooManyJobs where the owner has no room for another job."""
    active = sum(model._default_manager.filter(owner=owner, status__in=ACTIVE).count() for model in models)
    if active >= settings.BACKTEST_MAX_ACTIVE:
        raise TooManyJobs(
            f"{active} backtests and optimizations wait or run already; wait for one to end, or cancel one.",
        )


def job_start(job: Job, task: str) -> None:
    """Hand a job that was just made to the workers."""
    enqueue(task, str(job.pk), expires=3600)
    job_publish(job, status=job.status, progress=0, stage="")


def job_cancel(job: Job) -> Any:
    """End a job: at once where it waits, within seconds where it runs; raise JobNotCancelable where it is over."""
    now = timezone.now()
    rows = type(job)._default_manager.filter(pk=job.pk)
    if rows.filter(status=JobStatus.PENDING).update(status=JobStatus.CANCELED, finished_at=now, cancel_requested=True):
        _count(job, JobStatus.CANCELED)
    elif not rows.filter(status=JobStatus.RUNNING).update(cancel_requested=True):
        job.refresh_from_db()
        raise JobNotCancelable(f"It is {job.get_status_display().lower()} already.")
    job.refresh_from_db()
    job_publish(job, status=job.status, progress=job.progress, stage=job.stage)
    return job


def require_over(job: Job) -> None:
    """Raise JobIsActive unless the job is over."""
    if job.is_active:
        raise JobIsActive("It is under way; cancel it first.")


def job_run[J: Job](model: type[J], job_id: uuid.UUID, work: Callable[[J, Pulse], Store]) -> str:
    """Claim a waiting job, do its work, and end it; return its status, or "claimed" where another has it.

    Whatever the work raises becomes the job's error: the worker goes on.
    """
    job = _claim(model, job_id)
    if job is None:
        return "claimed"
    log.info("job_started", job=str(job.pk), kind=model._meta.model_name, attempt=job.attempts)
    pulse = Pulse(job_beat(job), name=str(job.pk))
    try:
        with pulse.beating(), memory_limit(settings.BACKTEST_MEMORY_MB):
            store = work(job, pulse)
    except (Exception, JobCanceled) as error:
        return job_refuse(job, error)
    return job_end(job, JobStatus.COMPLETED, store=store)


def job_refuse(job: Job, error: BaseException) -> str:
    """End the job with what its work raised."""
    status, code, message = _refusal(error)
    if code == "internal_error":
        log.exception("job_failed", job=str(job.pk), exc_info=error)
    return job_end(job, status, code=code, message=message)


def jobs_sweep(model: type[Job], task: str) -> int:
    """Hand out again what was not taken up, and what lost its worker; give up on what lost it twice."""
    now = timezone.now()
    rows = model._default_manager
    lost = rows.filter(status=JobStatus.RUNNING).filter(Q(heartbeat_at__lt=now - LOST_AFTER))
    for job in lost.filter(cancel_requested=True):
        job_end(job, JobStatus.CANCELED)
    for job in lost.filter(cancel_requested=False, attempts__gte=MAX_ATTEMPTS):
        message = (
            "Its worker was killed twice, most likely for its memory or its time: take a shorter period, fewer "
            "instruments or a longer timeframe."
        )
        job_end(job, JobStatus.FAILED, code="worker_lost", message=message)
    lost.filter(cancel_requested=False).update(status=JobStatus.PENDING, stage="Taken up again", updated_at=now)
    waiting = rows.filter(status=JobStatus.PENDING, updated_at__lt=now - UNSENT_AFTER) | rows.filter(
        status=JobStatus.PENDING, attempts__gt=0
    )
    identifiers = list(waiting.order_by("created_at").values_list("pk", flat=True))
    for identifier in identifiers:
        enqueue(task, str(identifier), expires=60)
    return len(identifiers)


@contextlib.contextmanager
def memory_limit(megabytes: int) -> Iterator[None]:
    """Let the process take so much memory beyond what it holds; past that Python raises MemoryError (Linux only).

    The limit is the whole process's, so only its main thread sets it, in which a worker does its tasks: two threads
    would put each other's limit back.
    """
    held = _data_bytes() if threading.current_thread() is threading.main_thread() else None
    if held is None or not megabytes:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = held + megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int | None:
    """Return the memory that counts against the limit, in bytes."""
    if sys.platform != "linux":
        return None
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))


def _claim[J: Job](model: type[J], job_id: uuid.UUID) -> J | None:
    now = timezone.now()
    is_mine = model._default_manager.filter(pk=job_id, status=JobStatus.PENDING).update(
        status=JobStatus.RUNNING,
        attempts=F("attempts") + 1,
        started_at=now,
        heartbeat_at=now,
        progress=0,
        stage="",
        updated_at=now,
    )
    return model._default_manager.get(pk=job_id) if is_mine else None


def job_end(job: Job, status: JobStatus, *, code: str = "", message: str = "", store: Store | None = None) -> str:
    """End the job once: a row that was ended or given to another meanwhile stays as it is."""
    with transaction.atomic():
        row = (
            type(job)
            ._default_manager.select_for_update(of=("self",))
            .filter(pk=job.pk, status=JobStatus.RUNNING, attempts=job.attempts)
            .first()
        )
        if row is None:
            return "taken"
        if store is not None:
            store(row)
            row.progress = 100
        row.status, row.finished_at, row.stage = status, timezone.now(), ""
        row.error_code, row.error = code, message[:1000]
        row.save()
        job_publish(row, status=status, progress=row.progress, stage="")
    _count(row, status)
    log.info("job_ended", job=str(row.pk), status=status.value, code=code, seconds=row.took_seconds)
    return status.value


def _count(job: Job, status: JobStatus) -> None:
    kind = str(job._meta.model_name)
    metrics.JOBS.labels(kind, status.value).inc()
    if job.took_seconds is not None:
        metrics.JOB_SECONDS.labels(kind).observe(job.took_seconds)


def _refusal(error: BaseException) -> tuple[JobStatus, str, str]:
    """Return what a job that raised ends as, with a stable code and a sentence that says what to do."""
    if isinstance(error, JobCanceled):
        return JobStatus.CANCELED, "", ""
    if isinstance(error, SoftTimeLimitExceeded):
        limit = settings.BACKTEST_TIME_LIMIT
        return JobStatus.FAILED, "time_limit", f"It took longer than {limit} s: take a shorter period or fewer sets."
    if isinstance(error, MemoryError):
        limit = settings.BACKTEST_MEMORY_MB
        return JobStatus.FAILED, "memory_limit", f"It needed more than {limit} MB: take a shorter period."
    if isinstance(error, TradingError):
        return JobStatus.FAILED, error.code, error.message
    return JobStatus.FAILED, "internal_error", f"{type(error).__name__}: {error} ({place_of(error)})"


def place_of(error: BaseException) -> str:
    """Return the innermost place of an error; a file's name only, never its path."""
    frame = extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}, line {frame.lineno}"
