"""Work handed to workers: after the commit, and some of it once for everybody who asks."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings

from apps.common.jobs import enqueue_once, task_begins

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    task_begins("orders.send")
    found: list[Any] = []
    monkeypatch.setattr("apps.common.jobs._send", lambda task, args, expires: found.append((task, *args)))
    return found


def test_a_task_that_waits_is_not_sent_again_until_it_begins(sent: list[Any]) -> None:
    for _ in range(3):
        enqueue_once("orders.send")
    assert sent == [("orders.send",)]
    task_begins("orders.send")
    enqueue_once("orders.send")
    assert sent == [("orders.send",)] * 2


def test_tasks_with_other_arguments_are_other_tasks(sent: list[Any]) -> None:
    for symbol in ("BTC/USD", "ETH/USD", "BTC/USD"):
        enqueue_once("orders.watch_price", symbol)
    assert sent == [("orders.watch_price", "BTC/USD"), ("orders.watch_price", "ETH/USD")]


def test_one_that_was_lost_holds_back_others_for_a_while_only(sent: list[Any]) -> None:
    enqueue_once("orders.send", hold=0.05)
    time.sleep(0.1)
    enqueue_once("orders.send", hold=0.05)
    assert len(sent) == 2


def test_nothing_is_sent_before_the_commit_nor_after_a_rollback(sent: list[Any]) -> None:
    with transaction.atomic():
        enqueue_once("orders.send")
        assert not sent
        transaction.set_rollback(True)
    assert not sent
    with transaction.atomic():
        enqueue_once("orders.send")
    assert sent == [("orders.send",)]


def test_without_redis_nobody_fails(sent: list[Any], settings: Any) -> None:
    nowhere = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    with override_settings(CACHES={"default": nowhere}):
        enqueue_once("orders.send")
        task_begins("orders.send")
    assert not sent
