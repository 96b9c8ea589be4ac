"""How often a user, or an address that has not signed in, may call: counted in Redis for all web processes at once."""

from __future__ import annotations

from typing import Any

import redis
import structlog
from django.conf import settings
from django_ratelimit.core import get_usage
from django_redis.exceptions import ConnectionInterrupted
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

log = structlog.get_logger(__name__)
GENERAL = "general"
LOGIN = "login"
REGISTER = "register"
ORDERS = "orders"
MARKET_DATA = "market_data"
UNLIMITED = "unlimited"
"""For what the platform's own watchmen call: health and metrics."""


class DeclaredThrottle(BaseThrottle):
    """Count each call under the view's `rate_scope`; the framework asks after it has found out who calls.

    While Redis is away nothing can be counted: the API keeps answering, and says so once in the log.
    """

    is_counting = True
    seconds_left = 0

    def allow_request(self, request: Request, view: Any) -> bool:
        scope = getattr(view, "rate_scope", GENERAL)
        usages = [self._usage(request, f"{scope}:{rate}", rate) for rate in settings.RATE_LIMITS.get(scope, ())]
        exceeded = [usage["time_left"] for usage in usages if usage and usage["should_limit"]]
        self.seconds_left = max(exceeded, default=0)
        return not exceeded

    def wait(self) -> float:
        return float(max(1, self.seconds_left))

    @classmethod
    def _usage(cls, request: Request, group: str, rate: str) -> dict[str, Any] | None:
        try:
            usage: dict[str, Any] | None = get_usage(request, group=group, key="user_or_ip", rate=rate, increment=True)
        except (ConnectionInterrupted, redis.RedisError, OSError) as error:
            cls._switch(False, str(error))
            return None
        cls._switch(True)
        return usage

    @staticmethod
    def _switch(is_counting: bool, error: str = "") -> None:
        if DeclaredThrottle.is_counting and not is_counting:
            log.warning("rate_limits_off", error=error)
        elif is_counting and not DeclaredThrottle.is_counting:
            log.info("rate_limits_on")
        DeclaredThrottle.is_counting = is_counting
