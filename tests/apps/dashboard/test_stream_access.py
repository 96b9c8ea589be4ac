"""A long stream ends when its listener may listen no more; the mailbox keeps what it promises."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from apps.accounts.models import User
from apps.accounts.services import session_begin
from apps.dashboard.stream.application import StreamApplication
from apps.dashboard.stream.mailbox import Mailbox
from tests.builders import make_user


def message(topic: str, **data: Any) -> dict[str, Any]:
    return {"topic": topic, "owner": None, "at": "2024-03-01T12:00:00+00:00", "data": data}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}])
def test_a_stream_ends_soon_after_its_user_is_shut_out(change: dict[str, Any]) -> None:
    user = make_user()
    token = str(session_begin(user=user).access)
    assert asyncio.run(_stream_until_it_ends(user, token, change)) == 200


async def _stream_until_it_ends(user: User, token: str, change: dict[str, Any]) -> int:
    application = StreamApplication(recheck=0.1)
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {
        "type": "http", "method": "GET", "path": "/api/stream", "query_string": b"topics=orders",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }  # fmt: skip
    stream = asyncio.create_task(application(scope, asyncio.Event().wait, sent.put))  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        start = await sent.get()
        await asyncio.sleep(0.3)
        assert not stream.done()
        await sync_to_async(_change)(user, change)
        await stream
    await application.hub.stop()
    return int(start["status"])


def _change(user: User, change: dict[str, Any]) -> None:
    changed = User.objects.get(pk=user.pk)
    for name, value in change.items():
        setattr(changed, name, value)
    changed.save()
    connection.close()  # of this thread


def test_the_newest_value_replaces_the_older_and_events_keep_their_order() -> None:
    async def scenario() -> tuple[bool, list[dict[str, Any]]]:
        box = Mailbox()
        for number in range(3):
            box.put(message("positions", id="p", quantity=number))
            box.put(message("orders", id=number))
        return box.take(with_latest=True)

    must_resync, taken = asyncio.run(scenario())
    assert not must_resync
    assert [(each["topic"], each["data"]) for each in taken] == [
        ("orders", {"id": 0}), ("orders", {"id": 1}), ("orders", {"id": 2}), ("positions", {"id": "p", "quantity": 2}),
    ]  # fmt: skip


def test_a_full_queue_drops_its_oldest_and_says_so_once() -> None:
    async def scenario() -> tuple[tuple[bool, list[Any]], tuple[bool, list[Any]]]:
        box = Mailbox(queue_length=2)
        for number in range(3):
            box.put(message("fills", order=number))
        return box.take(with_latest=True), box.take(with_latest=True)

    (must_resync, taken), (again, rest) = asyncio.run(scenario())
    assert must_resync
    assert [each["data"]["order"] for each in taken] == [1, 2]
    assert (again, rest) == (False, [])
