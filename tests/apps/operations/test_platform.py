"""What the platform consists of, and the order and time in which it stops."""

from __future__ import annotations

from itertools import groupby

import pytest

from apps.operations.platform import Addresses, services
from apps.operations.supervisor import Service

STOP_BUDGET = 8.0
"""Of the 10 seconds that a stop may take; the rest is the engines'."""


@pytest.fixture
def platform() -> list[Service]:
    return sorted(services(Addresses("127.0.0.1", 8000, 8001, 5555)), key=lambda service: service.stop_order)


def test_it_stops_what_makes_work_then_what_takes_requests_then_the_worker_then_flower(platform: list[Service]) -> None:
    steps = [{service.name for service in step} for _, step in groupby(platform, lambda service: service.stop_order)]
    assert steps == [{"beat", "feed"}, {"web", "stream"}, {"worker"}, {"flower"}]


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
