"""Asking for optimizations, and ending them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from algotrendy.trading.backtest.optimizing.searching import Search, planned, suggested, trials_of
from algotrendy.trading.backtest.optimizing.space import InvalidSpace, Point, Space
from algotrendy.trading.strategies import registry
from apps.accounts.models import Action, User
from apps.accounts.services import audit
from apps.common.jobs import enqueue
from apps.marketdata.models import Instrument
from apps.strategies.models import Backtest, JobStatus, Optimization, Piece, Strategy
from apps.strategies.searching import folds_for, objective_of, space_for

from .backtests import check_setup
from .jobs import (
    LOST_AFTER,
    MAX_ATTEMPTS,
    UNSENT_AFTER,
    job_cancel,
    job_end,
    job_start,
    require_over,
    require_room,
)

TASK = "strategies.work_on_optimization"
MOST_IN_ALL = 500_000
"""Backtests of one optimization, over all its folds."""
PIECE = 64
"""Trials in a piece of a search; of TPE, which learns from piece to piece, fewer."""
LEARNING_PIECE = 8


@transaction.atomic
def optimization_create(
    *,
    owner: User,
    rule: str,
    instruments: Sequence[Instrument],
    timeframe: str,
    space: dict[str, Any],
    parameters: dict[str, object] | None = None,
    name: str = "",
    strategy: Strategy | None = None,
    **options: Any,
) -> Optimization:
    """Ask for an optimization; workers share its pieces. Raises a TradingError for what cannot be searched."""
    require_room(owner, Backtest, Optimization)
    optimization = Optimization(
        owner=owner,
        rule=rule,
        timeframe=timeframe,
        space=space,
        parameters=parameters or {},
        strategy=strategy,
        **options,
    )
    if optimization.as_live:
        raise InvalidSpace("Sets are tried on the whole history at once; ask for a backtest as live of the best.")
    searched = space_for(optimization)
    optimization.parameters = dict(searched.fixed)
    objective_of(optimization)
    trials = trials_of(Search(optimization.search), searched, optimization.trial_limit)
    check_setup(optimization, instruments)
    symbols = ", ".join(item.symbol for item in instruments)
    optimization.name = name or f"{registry.get(rule).title} on {symbols}, {optimization.metric}"[:120]
    optimization.full_clean()
    optimization.save()
    optimization.instruments.set(instruments)
    _plan(optimization, searched, trials)
    job_start(optimization, TASK)
    for _ in range(min(settings.BACKTEST_PARALLEL, optimization.pieces.count()) - 1):
        enqueue(TASK, str(optimization.pk), expires=3600)
    audit(Action.OPTIMIZATION_CREATED, target=optimization)
    return optimization


def optimization_cancel(*, optimization: Optimization) -> Optimization:
    """End an optimization that is not over; the trials that are done stay. Raises JobNotCancelable."""
    canceled: Optimization = job_cancel(optimization)
    return canceled


@transaction.atomic
def optimization_delete(*, optimization: Optimization) -> None:
    """Delete an optimization that is over, with its trials; the best set's backtest stays. Raises JobIsActive."""
    require_over(optimization)
    audit(Action.OPTIMIZATION_DELETED, target=optimization)
    optimization.delete()


def optimizations_sweep() -> int:
    """Call workers to optimizations that none is at; end those that lost a piece's worker twice, or are not wanted."""
    now = timezone.now()
    quiet = Optimization.objects.filter(
        Q(status=JobStatus.PENDING, updated_at__lt=now - UNSENT_AFTER)
        | Q(status=JobStatus.RUNNING, heartbeat_at__lt=now - LOST_AFTER)
    )
    called = 0
    for optimization in quiet:
        lost = optimization.pieces.filter(status=JobStatus.RUNNING, heartbeat_at__lt=now - LOST_AFTER)
        if optimization.cancel_requested:
            job_end(optimization, JobStatus.CANCELED)
        elif lost.filter(attempts__gte=MAX_ATTEMPTS).exists():
            message = "A worker was killed twice at the same piece, most likely for its memory: take a shorter period."
            job_end(optimization, JobStatus.FAILED, code="worker_lost", message=message)
        else:
            enqueue(TASK, str(optimization.pk), expires=60)
            called += 1
    return called


def plan_learning(optimization: Optimization, space: Space) -> int:
    """Add the next pieces of a TPE search, from what the trials so far have told; return how many trials they have."""
    told = [(tuple(point), worth) for point, worth in optimization.trials.values_list("point", "worth")]
    room = min(LEARNING_PIECE * settings.BACKTEST_PARALLEL, optimization.planned - len(told))
    points = suggested(space, optimization.seed, told, room) if room > 0 else []
    number = optimization.pieces.count()
    _cut(optimization, points, LEARNING_PIECE, number)
    return len(points)


def _plan(optimization: Optimization, space: Space, trials: int) -> None:
    if optimization.walk:
        folds = folds_for(optimization, optimization.instruments.order_by("symbol").first() or Instrument())
        Piece.objects.bulk_create(
            Piece(
                optimization=optimization,
                number=fold.number,
                points=[fold.begin, fold.middle, fold.end],
                size=trials,
            )
            for fold in folds
        )
        optimization.planned = trials * len(folds)
    else:
        optimization.planned = trials
        _plan_search(optimization, space, trials)
    if optimization.planned > MOST_IN_ALL:
        raise InvalidSpace(
            f"That makes {optimization.planned:,} backtests, more than {MOST_IN_ALL:,}; take larger steps, or trade "
            "longer stretches."
        )
    optimization.save(update_fields=["planned"])


def _plan_search(optimization: Optimization, space: Space, trials: int) -> None:
    search = Search(optimization.search)
    if search is Search.TPE:
        plan_learning(optimization, space)
        return
    points = planned(search, space, optimization.seed, 0, trials)
    _cut(optimization, points, PIECE, 0)


def _cut(optimization: Optimization, points: Sequence[Point], size: int, number: int) -> None:
    """Make pieces of so many points, numbered on from `number`."""
    parts = [points[first : first + size] for first in range(0, len(points), size)]
    Piece.objects.bulk_create(
        Piece(optimization=optimization, number=number + index, points=part, size=len(part))
        for index, part in enumerate(parts)
    )
