"""Who may listen to what: a session, a token or an API key, checked in a thread that gives its connection back."""

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

from apps.accounts.errors import SignInRefused
from apps.accounts.models import ApiKey, User
from apps.accounts.services import api_key_admit, token_admit
from apps.common.client_ip import client_ip
from apps.common.origin import request_from

log = structlog.get_logger(__name__)
PERMISSIONS = {
    "candles": "marketdata.view_candle",
    "ticker": "marketdata.view_candle",
    "summary": "marketdata.view_candle",
    "orders": "orders.view_order",
    "fills": "orders.view_fill",
    "positions": "portfolio.view_position",
    "portfolio": "portfolio.view_portfolio",
    "signals": "strategies.view_signal",
    "backtests": "strategies.view_backtest",
    "alerts": "alerts.view_alert",
    "downloads": "marketdata.view_download",
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
    """What a request brought along: a bearer token, else an API key, else a session key; and where it came from."""

    token: str = ""
    key: str = ""
    session_key: str = ""
    ip: str = ""

    @classmethod
    def of(cls, headers: dict[str, str], address: str) -> Credentials:
        ip = _client_ip(headers, address)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return cls(token=token.strip(), ip=ip)
        if key := headers.get("x-api-key", ""):
            return cls(key=key, ip=ip)
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME)
        except CookieError:
            cookie = None
        return cls(session_key=cookie.value if cookie else "", ip=ip)


async def admit(credentials: Credentials, topics: frozenset[str]) -> Listener:
    """Return the listener; raise Refused. No topics means all that the user may hear.

    Where the account cannot be looked up, nobody is let in: the answer says to come back, not to sign in again.
    """
    try:
        return await in_thread(lambda: _admit(credentials, topics))
    except (DatabaseError, ConnectionInterrupted, RedisError) as error:
        log.warning("stream_access_not_checked", error=str(error))
        raise Refused(503, "unavailable", "Your account cannot be looked up right now; try again soon.") from error


def _admit(credentials: Credentials, topics: frozenset[str]) -> Listener:
    user, key = _sender(credentials)
    if user is None:
        raise Refused(401, "not_authenticated", "Sign in to the console, or send a valid access token or API key.")
    if user.must_enroll_mfa:
        raise Refused(403, "mfa_enrollment_required", "Set up your second factor first.")
    allowed = frozenset(
        topic
        for topic, permission in PERMISSIONS.items()
        if user.has_perm(permission) and (key is None or key.allows(permission))
    )
    refused = sorted(topics - allowed)
    if refused or not allowed:
        raise Refused(403, "permission_denied", f"You may not listen to {', '.join(refused) or 'any topic'}.")
    return Listener(user.pk, user.is_admin, topics or allowed)


def _sender(credentials: Credentials) -> tuple[User | None, ApiKey | None]:
    """Return who signs the request, and the key where it was one that signed."""
    with request_from(credentials.ip, ""):
        try:
            if credentials.token:
                return token_admit(token=credentials.token), None
            if credentials.key:
                return api_key_admit(text=credentials.key, ip=credentials.ip)
        except SignInRefused:
            return None, None
    return _user_of_session(credentials.session_key), None


def _client_ip(headers: dict[str, str], address: str) -> str:
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": address, "HTTP_X_FORWARDED_FOR": headers.get("x-forwarded-for", "")}
    return client_ip(request)


def _user_of_session(session_key: str) -> User | None:
    if not session_key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None


async def in_thread[T](work: Callable[[], T]) -> T:
    """Return what the work returns, done in one of a few threads that give their database connections back."""

    def run() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)
