"""Who may listen to what: a console session or a JWT, checked in a thread that gives its connection back at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import import_module

import structlog
from django.conf import settings
from django.contrib.auth import get_user
from django.db import Error as DatabaseError
from django.db import connections
from django.http import HttpRequest
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken

from apps.accounts.models import User

log = structlog.get_logger(__name__)
PERMISSIONS = {
    "candles": "marketdata.view_candle",
    "orders": "orders.view_order",
    "fills": "orders.view_fill",
    "positions": "portfolio.view_position",
    "portfolio": "portfolio.view_portfolio",
    "signals": "strategies.view_signal",
}
"""Each topic, and what a listener needs to be allowed to see."""
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="stream-access")


class Refused(Exception):
    """The listener is not let in; `status` and `code` say why."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who was let in, and the topics they may hear."""

    user_id: int
    is_admin: bool
    topics: frozenset[str]

    def may_hear(self, topic: str, owner: int | None) -> bool:
        return topic in self.topics and (owner is None or self.is_admin or owner == self.user_id)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brought along: a bearer token, else a session key."""

    token: str = ""
    session_key: str = ""

    @classmethod
    def of(cls, headers: dict[str, str]) -> Credentials:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return cls(token=token.strip())
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME)
        except CookieError:
            cookie = None
        return cls(session_key=cookie.value if cookie else "")


async def admit(credentials: Credentials, topics: frozenset[str]) -> Listener:
    """Return the listener; raise Refused. No topics means all that the user may hear.

    Where the account cannot be looked up, nobody is let in: the answer says to come back, not to sign in again.
    """
    try:
        return await _in_thread(lambda: _admit(credentials, topics))
    except (DatabaseError, ConnectionInterrupted, RedisError) as error:
        log.warning("stream_access_not_checked", error=str(error))
        raise Refused(503, "unavailable", "Your account cannot be looked up right now; try again soon.") from error


def _admit(credentials: Credentials, topics: frozenset[str]) -> Listener:
    user = _user_of_token(credentials.token) if credentials.token else _user_of_session(credentials.session_key)
    if user is None:
        raise Refused(401, "not_authenticated", "Sign in to the console, or send a valid access token.")
    allowed = frozenset(topic for topic, permission in PERMISSIONS.items() if user.has_perm(permission))
    refused = sorted(topics - allowed)
    if refused or not allowed:
        raise Refused(403, "permission_denied", f"You may not listen to {', '.join(refused) or 'any topic'}.")
    return Listener(user.pk, user.is_admin, topics or allowed)


def _user_of_token(token: str) -> User | None:
    backend = JWTAuthentication()
    try:
        user = backend.get_user(backend.get_validated_token(token.encode()))
    except (InvalidToken, AuthenticationFailed):
        return None
    return user if isinstance(user, User) else None


def _user_of_session(session_key: str) -> User | None:
    if not session_key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None


async def _in_thread[T](work: Callable[[], T]) -> T:
    def run() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)
