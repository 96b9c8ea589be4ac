"""A kept connection is looked at before each request, and asked only now and then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper as DjangoWrapper

from apps.common.postgresql.base import DatabaseWrapper


@pytest.fixture
def kept(django_db_setup: None, django_db_blocker: Any) -> Iterator[DatabaseWrapper]:
    """A connection of its own, outside of any transaction."""
    with django_db_blocker.unblock():
        wrapper = connections.create_connection("default")
        wrapper.connect()
        yield wrapper
        wrapper.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What Django's own check has found, each time it was made."""
    found: list[bool] = []
    ask = DjangoWrapper.is_usable

    def counted(self: DjangoWrapper) -> bool:
        found.append(ask(self))
        return found[-1]

    monkeypatch.setattr(DjangoWrapper, "is_usable", counted)
    return found


def test_a_server_that_has_just_answered_is_not_asked_again(kept: DatabaseWrapper, asked: list[bool]) -> None:
    assert [kept.is_usable() for _ in range(3)] == [True] * 3
    assert asked == [True]


def test_it_is_asked_again_after_a_while(
    kept: DatabaseWrapper, asked: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept.is_usable()
    monkeypatch.setattr("apps.common.postgresql.base.SECONDS_TRUSTED", 0.0)
    assert kept.is_usable()
    assert asked == [True, True]


def test_a_server_that_hangs_up_is_noticed_at_once(kept: DatabaseWrapper, django_db_blocker: Any) -> None:
    assert kept.is_usable()
    with django_db_blocker.unblock():
        other = connections.create_connection("default")
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [kept.connection.info.backend_pid])
            assert cursor.fetchone() == (True,)
        other.close()
    assert not kept.is_usable()


def test_in_a_failed_transaction_nothing_is_usable(kept: DatabaseWrapper) -> None:
    assert kept.is_usable()
    kept.set_autocommit(False)
    with pytest.raises(Exception, match="division by zero"), kept.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert not kept.is_usable()
