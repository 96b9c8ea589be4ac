"""Who a token's user is right now: cached for a minute, and changed at once with the account.

A user is kept in Redis with role and permissions, without the password's hash. Whoever changes an account calls
`access_changed`, which, with the commit, puts the new state in the place of the old; a reader that has meanwhile read
the old one from the database cannot overwrite it, because readers only fill an empty place. Without Redis everything is
read from the database. What Redis missed while it was away lives for a minute at most.

Redis is asked on every request, in one round trip; what it answers is unpacked once and recognized by its bytes after
that (docs/adr/0010-accounts.md has the figures).
"""

from __future__ import annotations

import pickle
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
import structlog
from django.db import transaction
from django.db.models import F, Model, QuerySet
from django_redis import get_redis_connection
from django_redis.exceptions import ConnectionInterrupted

from apps.accounts.errors import SignInRefused
from apps.accounts.metrics import ACCESS_UNCACHED
from apps.accounts.models import ApiSession, User
from apps.common.metrics import cache_requests

log = structlog.get_logger(__name__)
NAME = "access"
PREFIX = f"algotrendy:{NAME}:"
SECONDS_KEPT = 60
SECONDS_LEFT_ALONE = 2
"""How long a cache that does not answer is not asked again."""
MOST_UNPACKED = 5000
ALIVE, ENDED, GONE = "alive", "ended", "gone"
_away_until = 0.0
_unpacked: dict[str, tuple[bytes, Any]] = {}
"""What this process has unpacked, by key, with the bytes that it was unpacked from."""


def admit(*, user_id: int, version: int, session_id: str) -> User:
    """Return the user of a token; raise SignInRefused where account, version or session are no longer good."""
    user, state = known(user_wanted(user_id), (f"session:{session_id}", partial(_read_session, session_id)))
    if not isinstance(user, User) or not user.is_active:
        raise SignInRefused("The account does not exist, or is switched off.", code="user_inactive")
    if user.token_version != version or state != ALIVE:
        raise SignInRefused("This token has been ended; sign in again.", code="token_not_valid")
    return user


def known(*wanted: tuple[str, Callable[[], Any]]) -> list[Any]:
    """Return, for each key, what the cache keeps, else what `read` finds, which is kept where there is something."""
    keys = [key for key, _ in wanted]
    found = _asked(lambda client: client.mget([PREFIX + key for key in keys]), None) or [None] * len(keys)
    cache_requests.labels(NAME, "miss" if None in found else "hit").inc()
    pairs = zip(wanted, found, strict=True)
    return [_remembered(key, read) if raw is None else _unpack(key, raw) for (key, read), raw in pairs]


def known_changed(key: str, read: Callable[[], Any]) -> None:
    """Keep under the key what `read` finds when the change is committed."""
    transaction.on_commit(lambda: _replace(key, read))


def access_changed(*users: User, ends_sessions: bool = True) -> None:
    """Let a change of password, role, permissions or state take effect at once, when it is committed.

    Where it ends sessions, every token that was given out before is useless.
    """
    ids = [user.pk for user in users]
    if ends_sessions:
        User.objects.filter(pk__in=ids).update(token_version=F("token_version") + 1)
    for user_id in ids:
        transaction.on_commit(partial(_replace_user, user_id))


def session_ended(session_id: uuid.UUID | str) -> None:
    """Make the session's access tokens useless when its end is committed."""
    transaction.on_commit(lambda: _replace(f"session:{session_id}", lambda: ENDED))


def user_wanted(user_id: int) -> tuple[str, Callable[[], Any]]:
    """Return how `known` is asked for a user."""
    return f"user:{user_id}", partial(_read_user, user_id)


def with_access() -> QuerySet[User]:
    """Return users with all that deciding on their access needs, without their passwords."""
    return User.objects.select_related("authenticator").prefetch_related("groups").defer("password")


def _read_user(user_id: int) -> User | str:
    user = with_access().filter(pk=user_id).first()
    if user is None:
        return GONE
    user.get_all_permissions()  # Kept with the user from here on.
    return user


def _read_session(session_id: str) -> str:
    alive = ApiSession.objects.filter(pk=session_id, ended_at=None).exists()
    return ALIVE if alive else ENDED


def _remembered(key: str, read: Callable[[], Any]) -> Any:
    value = read()
    if value is not None:
        _asked(lambda client: client.set(PREFIX + key, pickle.dumps(value), ex=SECONDS_KEPT, nx=True), None)
    return value


@transaction.atomic
def _replace_user(user_id: int) -> None:
    """Put the user's new state into the cache; the row's lock keeps that of an older change from coming after it."""
    User.objects.select_for_update().filter(pk=user_id).values_list("pk").first()
    _replace(f"user:{user_id}", partial(_read_user, user_id))


def _replace(key: str, read: Callable[[], Any]) -> None:
    value = read()
    if _asked(lambda client: client.set(PREFIX + key, pickle.dumps(value), ex=SECONDS_KEPT), None) is None:
        log.warning("access_change_not_cached", key=key, seconds=SECONDS_KEPT)


def _unpack(key: str, raw: bytes) -> Any:
    """Return what the bytes hold; a copy, for whoever gets it may add to it."""
    before = _unpacked.get(key)
    if before is None or before[0] != raw:
        if len(_unpacked) >= MOST_UNPACKED:
            _unpacked.clear()
        # Written by this platform alone, to a server that holds its sessions and jobs as well.
        before = _unpacked[key] = (raw, pickle.loads(raw))  # noqa: S301
    return _copy(before[1])


def _copy(value: Any) -> Any:
    if not isinstance(value, Model):
        return value
    copy = type(value).__new__(type(value))
    copy.__dict__.update(value.__dict__)
    copy._state = type(value._state)()
    copy._state.db, copy._state.adding = value._state.db, False
    copy._state.fields_cache = dict(value._state.fields_cache)
    return copy


def _asked(ask: Callable[[Any], Any], otherwise: Any) -> Any:
    """Return the cache's answer, or the other value where there is none; a cache that hangs is not waited for twice."""
    global _away_until
    if time.monotonic() < _away_until:
        ACCESS_UNCACHED.inc()
        return otherwise
    try:
        return ask(get_redis_connection("default"))
    except (ConnectionInterrupted, redis.RedisError, OSError):
        _away_until = time.monotonic() + SECONDS_LEFT_ALONE
        ACCESS_UNCACHED.inc()
        return otherwise
