"""The circuit breaker of an exchange, and the pace at which it is asked, both shared through Redis."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from subprocess import PIPE

import pytest
from django.conf import LazySettings
from django_redis import get_redis_connection

from apps.marketdata import breaker, limiter
from apps.marketdata.breaker import Circuit
from tests.processes import PROJECT, environment


@pytest.fixture(autouse=True)
def _empty_redis() -> Iterator[None]:
    get_redis_connection("default").flushdb()
    limiter._own.clear()
    yield
    limiter._own.clear()


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "OPEN_FOR", 1)
    monkeypatch.setattr(breaker, "TRIAL_FOR", 1)


def _fail(times: int) -> None:
    for _ in range(times):
        breaker.failed("okx")


def test_five_failures_within_a_minute_open_it() -> None:
    _fail(4)
    assert breaker.allows("okx")
    assert breaker.state("okx").circuit is Circuit.CLOSED
    assert breaker.state("okx").failures == 4
    _fail(1)
    assert not breaker.allows("okx")
    state = breaker.state("okx")
    assert state.circuit is Circuit.OPEN
    assert state.opened_at is not None
    assert state.retry_at is not None
    assert (state.retry_at - state.opened_at).total_seconds() == 30


def test_one_exchange_does_not_speak_for_another() -> None:
    _fail(5)
    assert breaker.allows("kraken")
    assert {name: each.circuit for name, each in breaker.states(["okx", "kraken"]).items()} == {
        "okx": Circuit.OPEN,
        "kraken": Circuit.CLOSED,
    }


def test_failures_that_are_long_past_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "WITHIN", 1)
    _fail(4)
    time.sleep(2.1)
    _fail(4)
    assert breaker.allows("okx")


@pytest.mark.usefixtures("_short")
def test_half_open_one_at_a_time_tries_and_three_successes_close_it() -> None:
    _fail(5)
    time.sleep(1.1)
    assert breaker.state("okx").circuit is Circuit.HALF_OPEN
    assert breaker.allows("okx")
    assert not breaker.allows("okx")  # Somebody is at it.
    for _ in range(2):
        breaker.succeeded("okx")
        assert breaker.state("okx").circuit is Circuit.HALF_OPEN
        assert breaker.allows("okx")
    breaker.succeeded("okx")
    assert breaker.state("okx").circuit is Circuit.CLOSED
    assert breaker.allows("okx")
    assert breaker.allows("okx")


@pytest.mark.usefixtures("_short")
def test_a_failed_trial_opens_it_again() -> None:
    _fail(5)
    time.sleep(1.1)
    assert breaker.allows("okx")
    _fail(1)
    assert not breaker.allows("okx")
    assert breaker.state("okx").circuit is Circuit.OPEN


@pytest.mark.usefixtures("_short")
def test_a_trial_whose_process_was_killed_does_not_keep_it_shut() -> None:
    _fail(5)
    time.sleep(1.1)
    assert breaker.allows("okx")
    time.sleep(1.1)
    assert breaker.allows("okx")


def test_without_redis_everybody_may_ask(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    def away(*_: object) -> None:
        raise redis.ConnectionError("away")

    _fail(5)
    monkeypatch.setattr(breaker, "get_redis_connection", away)
    assert breaker.allows("okx")
    assert breaker.state("okx").circuit is Circuit.CLOSED


ASKING = """
import asyncio, time, django
django.setup()
from apps.marketdata import limiter

async def ask():
    for _ in range(15):
        await limiter.acquire("okx", milliseconds=50)
        print(time.monotonic(), flush=True)

print("ready", flush=True)
input()
asyncio.run(ask())
"""


def test_two_processes_together_keep_the_pace() -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", ASKING], cwd=PROJECT, env=environment(), text=True, stdin=PIPE, stdout=PIPE
        )
        for _ in range(2)
    ]
    assert [worker.stdout and worker.stdout.readline() for worker in workers] == ["ready\n", "ready\n"]
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    moments = sorted(float(line) for worker in workers for line in worker.communicate(timeout=20)[0].split())
    assert len(moments) == 30
    # 30 requests, five of which may come at once: the other 25 are 50 ms apart.
    assert 25 * 0.05 * 0.9 <= moments[-1] - moments[0] < 5
    for first, sixth in zip(moments, moments[limiter.BURST + 1 :], strict=False):
        assert sixth - first > 0.05 * 0.5


def test_a_ban_holds_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    limiter.ban("okx", 0.6)
    assert 0.3 < limiter.banned_for("okx") <= 0.6
    assert limiter.banned_for("kraken") == 0
    started = time.monotonic()
    asyncio.run(limiter.acquire("okx", milliseconds=1))
    assert 0.4 < time.monotonic() - started < 3


def test_a_longer_ban_is_not_shortened_by_a_shorter_one() -> None:
    limiter.ban("okx", 30)
    limiter.ban("okx", 1)
    assert limiter.banned_for("okx") > 25
