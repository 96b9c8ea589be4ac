"""What the platform consists of, and the order and time in which it stops."""

from __future__ import annotations

from itertools import groupby

import pytest
from django.conf import settings

from apps.common.jobs import QUEUES
from apps.operations.platform import Addresses, services
from apps.operations.supervisor import Service

STOP_BUDGET = 8.0
"""Of the 10 seconds that a stop may take; the rest is the engines'."""


@pytest.fixture
def platform() -> list[Service]:
    return sorted(services(Addresses("127.0.0.1", 8000, 8001, 5555)), key=lambda service: service.stop_order)


def test_it_stops_what_makes_work_then_what_takes_requests_then_the_workers_then_flower(
    platform: list[Service],
) -> None:
    steps = [{service.name for service in step} for _, step in groupby(platform, lambda service: service.stop_order)]
    assert steps == [{"beat", "feed"}, {"web", "stream"}, {"worker", "venues", "market", "backtests"}, {"flower"}]


def test_even_processes_that_do_not_listen_are_stopped_within_the_budget(platform: list[Service]) -> None:
    steps = groupby(platform, lambda service: service.stop_order)
    assert sum(max(service.patience for service in step) for _, step in steps) < STOP_BUDGET


def test_flower_may_be_left_out() -> None:
    assert "flower" not in {service.name for service in services(Addresses("127.0.0.1", 8000, 8001, None))}


def test_flower_stays_on_the_machine_where_the_web_server_is_open_to_others() -> None:
    commands = {service.name: " ".join(service.command) for service in services(Addresses("192.0.2.1", 1, 2, 3))}
    assert "--address=127.0.0.1" in commands["flower"]
    assert "192.0.2.1" not in commands["flower"]
    assert "--host 192.0.2.1" in commands["web"]
    assert "--host 192.0.2.1" in commands["stream"]


def test_no_worker_of_orders_takes_backtests_or_waits_for_exchanges(
    platform: list[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    served = {
        service.name: set(service.command[service.command.index("-Q") + 1].split(","))
        for service in platform
        if "-Q" in service.command
    }
    assert served == {
        "worker": {"orders", "default"},
        "venues": {"venues"},
        "market": {"marketdata", "downloads"},
        "backtests": {"backtests"},
    }
    assert set.union(*served.values()) == set(QUEUES)
    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert routed | {settings.CELERY_TASK_DEFAULT_QUEUE} == set(QUEUES)
    monkeypatch.setenv("BACKTEST_WORKER_CONCURRENCY", "3")
    (worker,) = (each for each in services(Addresses("127.0.0.1", 1, 2, None)) if each.name == "backtests")
    assert worker.command[worker.command.index("-c") + 1] == "3"
