"""A real worker of the queue `backtests`, killed in the middle of a search: nothing is lost and nothing done twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings
from django.utils import timezone
from redis import Redis

from apps.accounts.models import User
from apps.marketdata import datasets
from apps.marketdata.selectors import instrument_get
from apps.strategies.models import JobStatus, Optimization
from apps.strategies.services import backtest_create
from apps.strategies.trying import trial_of
from tests.builders import make_optimization, make_user
from tests.faults.workers import Worker

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
PATIENCE = 120


@pytest.fixture
def worker() -> Iterator[Worker]:
    Redis.from_url(settings.REDIS_URL).delete("backtests", "unacked", "unacked_index")
    running = Worker("backtests")
    yield running
    running.kill()


@pytest.fixture
def owner(transactional_db: None) -> User:
    datasets.install()
    return make_user()


def until(row: Optimization, done: int, *, status: str | None = None) -> None:
    """Wait until so many trials are stored, or the status is reached."""
    deadline = time.monotonic() + PATIENCE
    while row.done < done or (status and row.status != status):
        assert time.monotonic() < deadline, f"{row.status} {row.done} {row.error}"
        assert status is None or row.is_active or row.status == status, row.error
        time.sleep(0.2)
        row.refresh_from_db()


def test_a_search_goes_on_after_its_worker_was_killed(worker: Worker, owner: User) -> None:
    googl = {"instruments": [instrument_get("GOOGL")], "timeframe": "1d", "metric": "sortino"}
    space = {"fast": {"low": 2, "high": 21}, "slow": {"low": 30, "high": 129, "step": 2}}
    row = make_optimization(owner, **googl, space=space)
    until(row, 64)
    worker.kill()
    long_ago = timezone.now() - timedelta(minutes=5)  # what half a minute of waiting would show
    row.refresh_from_db()
    assert row.status == JobStatus.RUNNING
    assert row.done < 1000
    row.pieces.filter(status=JobStatus.RUNNING).update(heartbeat_at=long_ago)
    Optimization.objects.update(heartbeat_at=long_ago)

    again = Worker("backtests")
    try:
        current_app.send_task("strategies.sweep_jobs", retry=False)
        until(row, 1000, status="completed")
    finally:
        again.kill()
    trials = list(row.trials.order_by("number"))
    assert [trial.number for trial in trials] == list(range(1000))
    assert sum(piece.size for piece in row.pieces.all()) == row.done == 1000
    tried = trial_of(row)
    for trial in trials[::97]:
        (expected,) = tried.run([tuple(trial.point)])
        assert trial.objective == expected.objective
    best = max((trial for trial in trials if trial.objective is not None), key=lambda trial: trial.objective or 0)
    assert row.best_parameters == best.parameters


def test_a_backtest_is_run_by_the_worker_that_is_told_of_it(worker: Worker, owner: User) -> None:
    backtest = backtest_create(
        owner=owner, rule="macd", instruments=[instrument_get("GOOGL")], timeframe="1d", sizing_value=50
    )
    deadline = time.monotonic() + PATIENCE
    while backtest.is_active:
        assert time.monotonic() < deadline
        time.sleep(0.2)
        backtest.refresh_from_db()
    assert (backtest.status, backtest.attempts) == ("completed", 1)
    assert backtest.trade_count
