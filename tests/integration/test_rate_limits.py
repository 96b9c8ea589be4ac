"""Limits across processes, and while Redis is away or hangs: real web servers, a real Valkey that is really stopped."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import structlog
from django.conf import LazySettings
from django.core.cache import caches
from django.test import Client
from prometheus_client import REGISTRY
from rest_framework.test import APIClient

from apps.accounts.models import RateLimit
from apps.common.limits.counting import CallCounter, LocalCounts, counter
from apps.common.limits.windows import Window, window
from tests.builders import make_user
from tests.integration.streams import valkey
from tests.limits import Clock, clock, limited
from tests.processes import free_port, granian

__all__ = ["clock", "limited"]
PATH = "/api/nothing-here"


def _ask(port: int) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{port}{PATH}", timeout=10)


def _figures(response: requests.Response) -> tuple[int, int, str]:
    names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
    limit, remaining, reset = (response.headers[name] for name in names)
    return int(limit), int(remaining), reset


@pytest.mark.django_db(transaction=True)
def test_processes_share_counts_and_take_over_an_administrators_limits(tmp_path: Path) -> None:
    first, second, store = free_port(), free_port(), free_port()
    console = Client()
    console.force_login(make_user("boss", is_superuser=True, is_staff=True, role=None))
    url = f"redis://127.0.0.1:{store}/0"
    with valkey(store, tmp_path), granian("wsgi", first, REDIS_URL=url), granian("wsgi", second, REDIS_URL=url):
        for _ in range(3):  # again where a minute has ended in between
            seen = [_figures(_ask(port)) for port in (first, second) * 3]
            if len({reset for _, _, reset in seen}) == 1:
                break
        newest = seen[0][1]
        assert [figures[:2] for figures in seen] == [(100, newest - made) for made in range(6)]
        given = {"tier": "anonymous", "scope": "general", "requests_per_minute": 3, "burst_per_second": 3}
        assert console.post("/admin/accounts/ratelimit/add/", given).status_code == 302
        time.sleep(4)  # every process reads limits anew after three seconds
        assert [_figures(_ask(port))[0] for port in (first, second)] == [3, 3]
        assert any(_ask(port).status_code == 429 for port in (first, second) * 4)
        RateLimit.objects.all().delete()


@pytest.fixture
def valkey_for_limits(tmp_path: Path, settings: LazySettings, limited: Clock) -> Iterator[tuple[int, Path]]:
    """Count in a server of this test's own, which it may stop."""
    port = free_port()
    settings.CACHES = {
        **settings.CACHES,
        "limits": {**settings.CACHES["limits"], "LOCATION": f"redis://127.0.0.1:{port}/0"},
    }
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "anonymous": {"general": ["6/m"]}}
    yield port, tmp_path
    caches["limits"].close()
    counter._regain()


def _fallbacks() -> float:
    return REGISTRY.get_sample_value("rate_limiter_fallback_total") or 0


def _events(logs: list[structlog.typing.EventDict]) -> list[str]:
    return [str(entry["event"]) for entry in logs if str(entry["event"]).startswith("rate_limits_")]


@pytest.mark.django_db
def test_while_redis_is_stopped_each_process_limits_by_itself(valkey_for_limits: tuple[int, Path]) -> None:
    port, folder = valkey_for_limits
    client, before = APIClient(), _fallbacks()
    with structlog.testing.capture_logs() as logs:
        with valkey(port, folder):
            assert [client.get(PATH)["X-RateLimit-Remaining"] for _ in range(2)] == ["5", "4"]
        answers = [client.get(PATH) for _ in range(8)]
        assert [a.status_code for a in answers] == [404] * 6 + [429] * 2
        assert [a["X-RateLimit-Remaining"] for a in answers] == ["5", "4", "3", "2", "1", "0", "0", "0"]
        assert answers[-1]["Retry-After"]
        assert _fallbacks() == before + 8
        assert _events(logs) == ["rate_limits_counted_locally"]
        time.sleep(0.25)
        assert client.get(PATH).status_code == 429, "tried again, still away"
        assert _events(logs) == ["rate_limits_counted_locally"]
        with valkey(port, folder):
            time.sleep(0.25)
            assert client.get(PATH)["X-RateLimit-Remaining"] == "5", "a new server knows no counts"
        assert _events(logs) == ["rate_limits_counted_locally", "rate_limits_shared_again"]
        assert _fallbacks() == before + 9


@pytest.mark.django_db
def test_a_server_that_was_started_again_in_between_is_no_outage(valkey_for_limits: tuple[int, Path]) -> None:
    port, folder = valkey_for_limits
    before = _fallbacks()
    for _ in range(2):
        with valkey(port, folder):
            assert APIClient().get(PATH)["X-RateLimit-Remaining"] == "5"
    assert _fallbacks() == before


@pytest.mark.django_db
def test_a_redis_that_hangs_holds_up_one_call_and_not_each(
    valkey_for_limits: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, folder = valkey_for_limits
    monkeypatch.setattr(counter, "PAUSE", 60.0)
    client = APIClient()
    with valkey(port, folder) as process:
        client.get(PATH)
        process.send_signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            assert client.get(PATH).status_code == 404
            assert time.monotonic() - started < 2, "a time-out, no more"
            started = time.monotonic()
            assert [client.get(PATH).status_code for _ in range(6)] == [404] * 5 + [429]
            assert time.monotonic() - started < 0.5, "far less than six time-outs"
        finally:
            process.send_signal(signal.SIGCONT)


def _windows(*callers: str, rate: str = "9/m") -> list[Window]:
    return [window("general", caller, rate) for caller in callers]


def test_local_counts_stay_few_and_keep_who_called_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalCounts, "MOST", 100)
    counts = LocalCounts()
    for number in range(1000):
        counts.add(_windows(f"caller {number}"))
        assert len(counts) <= 100
    assert counts.add(_windows("caller 999", "caller 0")) == [2, 1]


def test_local_counts_let_go_what_has_ended_before_what_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalCounts, "MOST", 100)
    counts = LocalCounts()
    counts.add(_windows("waits"))
    for number in range(100):
        counts.add([Window("burst", 9, 1, f"ended {number}", int(time.time()) - 1)])
    assert len(counts) < 10
    assert counts.add(_windows("waits")) == [2]


@pytest.mark.usefixtures("limited")
def test_counters_of_two_processes_see_each_other() -> None:
    here, there = CallCounter(), CallCounter()
    assert [each.add(_windows("both"))[0].count for each in (here, there, here)] == [1, 2, 3]
    assert [usage.count for usage in there.add(_windows("both", "one"))] == [4, 1]


@pytest.mark.usefixtures("limited")
def test_counts_end_by_themselves() -> None:
    counted = [*_windows("both"), *_windows("both", rate="9/s")]
    CallCounter().add(counted)
    assert [0 < caches["limits"].ttl(each.key) <= each.seconds + 5 for each in counted] == [True, True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("trusted", "shared"), [("", True), ("127.0.0.1", False)])
def test_a_web_server_believes_only_its_own_proxies(trusted: str, shared: bool, tmp_path: Path) -> None:
    port, store = free_port(), free_port()
    redis_url = f"redis://127.0.0.1:{store}/0"
    with valkey(store, tmp_path), granian("wsgi", port, REDIS_URL=redis_url, TRUSTED_PROXIES=trusted):
        left = []
        for number in range(3):
            # As a proxy sends it: what the client says of itself, then the client's address.
            forwarded = {"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.{number}"}
            answer = requests.get(f"http://127.0.0.1:{port}{PATH}", headers=forwarded, timeout=10)
            left.append(int(answer.headers["X-RateLimit-Remaining"]))
    assert (len(set(left)) > 1) is shared, left
