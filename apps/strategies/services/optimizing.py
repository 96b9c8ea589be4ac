"""Working on optimizations: workers take pieces until none is left, and the last one draws the conclusions.

A piece is claimed by its row, and stored with its trials in one transaction: what a killed worker had of it is lost,
what was stored before stays, and the piece is taken again once its heart has stopped.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from algotrendy.trading.backtest.optimizing.evaluating import Trial as Tried
from algotrendy.trading.backtest.optimizing.folds import Fold
from algotrendy.trading.backtest.optimizing.outcomes import Outcome
from algotrendy.trading.backtest.optimizing.searching import Search
from algotrendy.trading.backtest.optimizing.walking import walk_fold
from apps.common.jobs import enqueue
from apps.strategies.arrays import packed
from apps.strategies.models import JobStatus, Optimization, Piece, Trial
from apps.strategies.pulse import Beat, JobCanceled, Pulse, job_publish
from apps.strategies.reports.keeping import clean
from apps.strategies.trying import trial_of

from .concluding import conclude
from .jobs import LOST_AFTER, MAX_ATTEMPTS, job_end, job_refuse, memory_limit
from .optimizations import TASK, plan_learning

log = structlog.get_logger(__name__)
CONCLUDING = "conclusions"
TURN = 45.0
"""Seconds after which a worker goes to the end of the queue, so that others' work is not held up."""


def optimization_work(*, optimization_id: uuid.UUID) -> str:
    """Take pieces of an optimization and do them, for a while; return what the optimization is then."""
    optimization = _begin(optimization_id)
    if optimization is None:
        return "over"
    end = time.monotonic() + TURN
    try:
        tried = trial_of(optimization)
        while time.monotonic() < end:
            piece = _claim(optimization)
            if piece is None:
                return _nothing_left(optimization, tried)
            _do(optimization, piece, tried)
    except (Exception, JobCanceled) as error:
        return job_refuse(optimization, error)
    enqueue(TASK, str(optimization.pk), expires=3600)
    return JobStatus.RUNNING.value


def _begin(optimization_id: uuid.UUID) -> Optimization | None:
    now = timezone.now()
    rows = Optimization.objects.filter(pk=optimization_id)
    rows.filter(status=JobStatus.PENDING).update(
        status=JobStatus.RUNNING, attempts=F("attempts") + 1, started_at=now, heartbeat_at=now, updated_at=now
    )
    return rows.filter(status=JobStatus.RUNNING).first()


@transaction.atomic
def _claim(optimization: Optimization) -> Piece | None:
    """Take a piece that waits, or one whose worker was lost; no other worker gets it at the same time."""
    now = timezone.now()
    free = Q(status=JobStatus.PENDING) | Q(status=JobStatus.RUNNING, heartbeat_at__lt=now - LOST_AFTER)
    piece = optimization.pieces.select_for_update(skip_locked=True).filter(free, attempts__lt=MAX_ATTEMPTS).first()
    if piece is not None:
        piece.status, piece.heartbeat_at = JobStatus.RUNNING, now
        piece.attempts += 1
        piece.save(update_fields=["status", "heartbeat_at", "attempts"])
    return piece


def _do(optimization: Optimization, piece: Piece, tried: Tried) -> None:
    pulse = Pulse(_beat(optimization, piece), name=f"{optimization.pk} {piece.number}")
    with pulse.beating(), memory_limit(settings.BACKTEST_MEMORY_MB):
        store = _walk(optimization, piece, tried, pulse) if optimization.walk else _search(optimization, piece, tried)
    with transaction.atomic():
        row = Piece.objects.select_for_update().filter(pk=piece.pk, attempts=piece.attempts, status=JobStatus.RUNNING)
        if not row.update(status=JobStatus.COMPLETED, **store.pop("piece")):
            return  # another worker was given it
        Trial.objects.bulk_create(store.pop("trials", []))
        Optimization.objects.filter(pk=optimization.pk).update(done=F("done") + piece.size, heartbeat_at=timezone.now())


def _search(optimization: Optimization, piece: Piece, tried: Tried) -> dict[str, Any]:
    outcomes = tried.run([tuple(point) for point in piece.points])
    first = sum(optimization.pieces.filter(number__lt=piece.number).values_list("size", flat=True))
    return {
        "piece": {},
        "trials": [_row(optimization, tried, first + index, outcome) for index, outcome in enumerate(outcomes)],
    }


def _walk(optimization: Optimization, piece: Piece, tried: Tried, pulse: Pulse) -> dict[str, Any]:
    walked = walk_fold(
        tried,
        Fold(piece.number, *piece.points),
        search=Search(optimization.search),
        trials=optimization.trial_limit,
        seed=optimization.seed,
        progress=lambda: pulse.tell(0),
    )
    chosen = walked.chosen
    result = {
        "parameters": None if chosen is None else tried.space.parameters(chosen.point),
        "chosen_on": None if chosen is None else dict(chosen.figures),
        "objective": None if chosen is None else chosen.objective,
        "tried": walked.tried,
        "trades": walked.trades,
    }
    curve = packed({"time": walked.time, "equity": walked.equity})
    return {"piece": {"result": clean(result), "curve": curve}}


def _row(optimization: Optimization, tried: Tried, number: int, outcome: Outcome) -> Trial:
    value = outcome.objective
    return Trial(
        optimization=optimization,
        number=number,
        point=list(outcome.point),
        parameters=tried.space.parameters(outcome.point),
        status=outcome.status,
        message=outcome.message[:300],
        objective=value,
        worth=None if value is None else tried.objective.sign * value,
        figures=clean(dict(outcome.figures)),
    )


def _beat(optimization: Optimization, piece: Piece) -> Beat:
    def beat(percent: int, stage: str) -> bool:
        now = timezone.now()
        wanted = Optimization.objects.filter(pk=optimization.pk, status=JobStatus.RUNNING, cancel_requested=False)
        if not wanted.update(heartbeat_at=now):
            return False
        Piece.objects.filter(pk=piece.pk, attempts=piece.attempts).update(heartbeat_at=now)
        done = wanted.values_list("done", flat=True).first() or 0
        progress = min(99, 100 * done // max(optimization.planned, 1))
        stage = f"{done:,} of {optimization.planned:,} sets"
        wanted.update(progress=progress, stage=stage)
        job_publish(optimization, status=JobStatus.RUNNING, progress=progress, stage=stage)
        return True

    return beat


def _nothing_left(optimization: Optimization, tried: Tried) -> str:
    """Plan what comes next, or draw the conclusions where every piece is done; one worker does either."""
    with transaction.atomic():
        row = Optimization.objects.select_for_update(of=("self",)).get(pk=optimization.pk)
        if row.status != JobStatus.RUNNING or row.pieces.exclude(status=JobStatus.COMPLETED).exists():
            return row.status
        if row.cancel_requested:
            raise JobCanceled
        if not row.walk and row.search == Search.TPE and row.done < row.planned and plan_learning(row, tried.space):
            for _ in range(settings.BACKTEST_PARALLEL):
                enqueue(TASK, str(row.pk), expires=3600)
            return row.status
        if row.stage == CONCLUDING and row.heartbeat_at and row.heartbeat_at > timezone.now() - LOST_AFTER:
            return row.status  # another worker is at it
        Optimization.objects.filter(pk=row.pk).update(stage=CONCLUDING, heartbeat_at=timezone.now())
    return _conclude(row, tried)


def _conclude(optimization: Optimization, tried: Tried) -> str:
    def beat(percent: int, stage: str) -> bool:
        wanted = Optimization.objects.filter(pk=optimization.pk, status=JobStatus.RUNNING, cancel_requested=False)
        return bool(wanted.update(heartbeat_at=timezone.now(), progress=99))

    pulse = Pulse(beat, name=f"{optimization.pk} conclusions")
    with pulse.beating(), memory_limit(settings.BACKTEST_MEMORY_MB):
        store = conclude(optimization, tried)
    return job_end(optimization, JobStatus.COMPLETED, store=store)
