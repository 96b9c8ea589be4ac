"""Jobs as streams tell them."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import User
from apps.strategies.models import Job
from apps.strategies.models.jobs import ACTIVE

from .backtests import backtests_of, optimizations_of


def job_told(job: Job, *, status: str, progress: int, stage: str) -> dict[str, Any]:
    """Return how far a backtest or an optimization is."""
    return {
        "id": str(job.pk),
        "kind": job._meta.model_name,
        "name": job.name,
        "status": status,
        "progress": progress,
        "stage": stage,
    }


def jobs_told(user: User, most: int) -> list[dict[str, Any]]:
    """Return the jobs under way that the user may see."""
    kinds = (backtests_of(user), optimizations_of(user))
    rows = [row for jobs in kinds for row in jobs.filter(status__in=ACTIVE)[:most]]
    return [job_told(row, status=row.status, progress=row.progress, stage=row.stage) for row in rows[:most]]
