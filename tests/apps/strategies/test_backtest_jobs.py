"""Backtests in the background: claimed by one worker, ended once, never able to stop the worker."""

from __future__ import annotations

import resource
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from django.utils import timezone

from algotrendy.trading.strategies.base import Strategy
from apps.accounts.models import User
from apps.strategies import pulse
from apps.strategies.models import Backtest, BacktestResult, JobStatus
from apps.strategies.services import backtest_cancel, backtest_delete, jobs_sweep
from apps.strategies.services.running import backtest_run
from tests.builders import make_backtest, make_candles_rows, make_instrument, make_user
from tests.rules import Endless, Hungry, Raising, TestRule, add_rule

pytestmark = pytest.mark.django_db(transaction=True)
TASK = "strategies.run_backtest"


@pytest.fixture
def owner(transactional_db: None) -> User:
    make_candles_rows(make_instrument(), [100, 100, 101, 103, 106, 103, 100, 97, 99, 103, 108, 104])
    return make_user()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is handed to the workers."""
    handed: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "apps.strategies.services.jobs.enqueue", lambda task, identifier, **_: handed.append((task, identifier))
    )
    return handed


def asked(owner: User, rule: type[Strategy] | None = None, **overrides: Any) -> Backtest:
    if rule is not None:
        overrides |= {"rule": rule.name, "parameters": {}}
    return make_backtest(owner, **overrides)


def test_a_job_is_claimed_once_and_completed(owner: User) -> None:
    backtest = asked(owner)
    assert backtest_run(backtest_id=backtest.pk) == "completed"
    assert backtest_run(backtest_id=backtest.pk) == "claimed"
    backtest.refresh_from_db()
    assert (backtest.status, backtest.progress, backtest.attempts, backtest.error) == ("completed", 100, 1, "")
    assert backtest.took_seconds is not None
    assert backtest.took_seconds > 0
    assert backtest.final_equity == pytest.approx(10_000 * (1 + (backtest.total_return or 0)))
    assert BacktestResult.objects.filter(backtest=backtest).count() == 1


def test_two_workers_at_once_do_it_once(owner: User) -> None:
    backtest = asked(owner)
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    begin, said = threading.Barrier(2), []

    def work() -> None:
        begin.wait()
        said.append(backtest_run(backtest_id=backtest.pk))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(said) == ["claimed", "completed"]
    assert resource.getrlimit(resource.RLIMIT_DATA) == limits  # what runs after it is not held to a job's


def test_the_same_backtest_gives_the_same_result_to_the_byte(owner: User) -> None:
    first, second = asked(owner), asked(owner)
    for each in (first, second):
        backtest_run(backtest_id=each.pk)
    one, other = (BacktestResult.objects.get(backtest=each) for each in (first, second))
    assert one.figures == other.figures
    assert (bytes(one.curve), bytes(one.trades)) == (bytes(other.curve), bytes(other.trades))


def failed(backtest: Backtest) -> tuple[str, str]:
    backtest.refresh_from_db()
    assert backtest.status == JobStatus.FAILED
    assert not BacktestResult.objects.filter(backtest=backtest).exists()
    return backtest.error_code, backtest.error


def test_a_rule_that_raises_fails_its_own_job_and_names_the_line(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, whole = asked(owner, add_rule(monkeypatch, Raising)), asked(owner)
    assert backtest_run(backtest_id=broken.pk) == "failed"
    code, message = failed(broken)
    assert code == "strategy_failed"
    assert message.startswith("raising raised ValueError: the stars are wrong (rules.py, line ")
    assert backtest_run(backtest_id=whole.pk) == "completed"  # the worker goes on


def test_a_fault_of_the_platform_is_not_blamed_on_the_rule(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.strategies.backtests.measure", lambda *_: 1 / 0)
    backtest = asked(owner)
    assert backtest_run(backtest_id=backtest.pk) == "failed"
    assert failed(backtest)[0] == "internal_error"


def test_a_rule_that_takes_all_memory_is_stopped(owner: User, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.BACKTEST_MEMORY_MB = 300
    backtest = asked(owner, add_rule(monkeypatch, Hungry))
    assert backtest_run(backtest_id=backtest.pk) == "failed"
    code, message = failed(backtest)
    assert (code, "more than 300 MB" in message) == ("memory_limit", True)
    assert backtest_run(backtest_id=asked(owner).pk) == "completed"  # the limit is gone


def test_a_job_that_takes_too_long_says_so(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(self: Any, candles: Any) -> Any:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(TestRule, "signals", late)
    backtest = asked(owner, add_rule(monkeypatch, TestRule))
    assert backtest_run(backtest_id=backtest.pk) == "failed"
    assert failed(backtest)[0] == "time_limit"


def test_a_running_job_is_canceled_within_a_beat_or_two(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "INTERVAL", 0.1)
    backtest = asked(owner, add_rule(monkeypatch, Endless))
    seen: list[Any] = []

    def person() -> None:
        while not Backtest.objects.filter(pk=backtest.pk, stage__contains="signals").exists():
            time.sleep(0.05)
        seen.append(Backtest.objects.get(pk=backtest.pk))
        backtest_cancel(backtest=seen[0])
        connection.close()

    thread = threading.Thread(target=person)
    thread.start()
    assert backtest_run(backtest_id=backtest.pk) == "canceled"
    thread.join()
    backtest.refresh_from_db()
    assert (backtest.status, backtest.error_code, backtest.progress) == ("canceled", "", 10)
    assert seen[0].heartbeat_at > seen[0].started_at  # it had shown its progress before


def test_a_job_that_was_canceled_while_it_waited_is_not_run(owner: User) -> None:
    backtest = asked(owner)
    backtest_cancel(backtest=backtest)
    assert backtest_run(backtest_id=backtest.pk) == "claimed"
    backtest.refresh_from_db()
    assert backtest.status == JobStatus.CANCELED


def test_what_nobody_took_up_is_handed_out_again(owner: User, sent: list[Any]) -> None:
    fresh, forgotten = asked(owner), asked(owner)
    Backtest.objects.filter(pk=forgotten.pk).update(updated_at=timezone.now() - timedelta(seconds=60))
    assert jobs_sweep(Backtest, TASK) == 1
    assert sent == [(TASK, str(forgotten.pk))]
    assert fresh.status == JobStatus.PENDING


def test_a_job_that_lost_its_worker_is_taken_up_again_and_given_up_after_the_second(
    owner: User, sent: list[Any]
) -> None:
    long_ago = timezone.now() - timedelta(minutes=5)
    lost = asked(owner, status=JobStatus.RUNNING, attempts=1, started_at=long_ago, heartbeat_at=long_ago)
    alive = asked(owner, status=JobStatus.RUNNING, attempts=1, started_at=long_ago, heartbeat_at=timezone.now())
    unwanted = asked(
        owner, status=JobStatus.RUNNING, attempts=1, started_at=long_ago, heartbeat_at=long_ago, cancel_requested=True
    )
    assert jobs_sweep(Backtest, TASK) == 1
    assert sent == [(TASK, str(lost.pk))]
    alive.refresh_from_db()
    unwanted.refresh_from_db()
    assert (alive.status, unwanted.status) == ("running", "canceled")
    Backtest.objects.filter(pk=lost.pk).update(status=JobStatus.RUNNING, attempts=2, heartbeat_at=long_ago)
    assert jobs_sweep(Backtest, TASK) == 0
    assert failed(lost)[0] == "worker_lost"


def test_a_worker_that_was_given_up_on_cannot_end_the_job(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    backtest = asked(owner, add_rule(monkeypatch, TestRule))

    def given_away(self: Any, candles: Any) -> Any:
        Backtest.objects.filter(pk=backtest.pk).update(attempts=2)
        return super(TestRule, self).signals(candles)  # raises: the base has no body

    monkeypatch.setattr(TestRule, "signals", given_away)
    assert backtest_run(backtest_id=backtest.pk) == "taken"
    backtest.refresh_from_db()
    assert (backtest.status, backtest.attempts) == ("running", 2)


def test_deleting_takes_the_result_along(owner: User) -> None:
    backtest = asked(owner)
    backtest_run(backtest_id=backtest.pk)
    backtest_delete(backtest=Backtest.objects.get(pk=backtest.pk))
    assert not BacktestResult.objects.exists()
