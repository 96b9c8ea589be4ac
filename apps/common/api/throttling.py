"""How often somebody may call: each view names its scope, each scope has its limits by tier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from apps.common.client_ip import counted_address
from apps.common.limits.counting import counter
from apps.common.limits.windows import Tally, Window, window, windows
from apps.common.metrics import RATE_LIMITED

GENERAL = "general"
ORDERS = "orders"
MARKET_DATA = "market_data"
LOGIN = "login"
REGISTER = "register"
UNLIMITED = "unlimited"
"""For what the platform's own watchmen call: health and metrics."""
BY_ADDRESS = frozenset({LOGIN, REGISTER})
"""Scopes in which an address is counted whoever calls: here somebody tries out who they could be."""
ANONYMOUS = "anonymous"


@runtime_checkable
class LimitedKey(Protocol):
    """What a request may be signed with that has a limit of its own, below its user's."""

    pk: Any
    requests_per_minute: int | None


class DeclaredThrottle(BaseThrottle):
    """Count each call, once, under the view's `rate_scope`: by user, else by address.

    All of a user's sessions, tokens and keys share the user's calls, so that many keys give no more of them. Who knows
    tiers says in a subclass which one a user has and which rates it gives.
    """

    seconds_left = 0

    def tier_of(self, user: Any) -> str:
        raise NotImplementedError

    def rates(self, tier: str, scope: str) -> Sequence[str]:
        """Return rates such as `100/m`."""
        raise NotImplementedError

    def allow_request(self, request: Request, view: Any) -> bool:
        if not settings.RATELIMIT_ENABLE:
            return True
        tally = tally_of(request._request) or self._count(request, getattr(view, "rate_scope", GENERAL))
        self.seconds_left = tally.retry_after
        return not self.seconds_left

    def wait(self) -> float:
        return float(self.seconds_left)

    def count_stranger(self, request: HttpRequest, scope: str) -> Tally:
        """Count a call by its address."""
        rates = self.rates(ANONYMOUS, scope)
        return _tally(request, scope, ANONYMOUS, windows(scope, counted_address(request), rates))

    def _count(self, request: Request, scope: str) -> Tally:
        if scope == UNLIMITED:
            return _tally(request._request, scope, ANONYMOUS, [])
        if scope in BY_ADDRESS or not request.user.is_authenticated:
            return self.count_stranger(request._request, scope)
        tier = self.tier_of(request.user)
        counted = windows(scope, f"user:{request.user.pk}", self.rates(tier, scope))
        key = request.auth
        if isinstance(key, LimitedKey) and (key.requests_per_minute or 0) > 0:
            counted.append(window("key", f"key:{key.pk}", f"{key.requests_per_minute}/m", "key"))
        return _tally(request._request, scope, tier, counted)


def tally_of(request: HttpRequest) -> Tally | None:
    """Return how the request was counted, or None where it was not."""
    return getattr(request, "rate_tally", None)


def _tally(request: HttpRequest, scope: str, tier: str, counted: list[Window]) -> Tally:
    tally = Tally(scope, tier, counter.add(counted) if counted else ())
    request.rate_tally = tally  # type: ignore[attr-defined]
    if tally.retry_after:
        RATE_LIMITED.labels(scope, tier).inc()
    return tally
