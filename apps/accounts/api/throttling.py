"""The limits of each tier: the settings' own, or what administrators have put in their place."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.db import Error as DatabaseError

from apps.accounts.models import Tier
from apps.accounts.selectors import default_rates, rate_limit_overrides
from apps.common.api.throttling import DeclaredThrottle

log = structlog.get_logger(__name__)
type Overrides = Mapping[tuple[str, str], Sequence[str]]


class OverridesMemo:
    """Remember the administrators' limits for some seconds; while the database is away, for as long as that lasts."""

    SECONDS = 3.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: Overrides = {}
        self._fresh_until = 0.0

    def get(self) -> Overrides:
        if time.monotonic() >= self._fresh_until and self._lock.acquire(blocking=False):
            try:
                self._read()
            finally:
                self._lock.release()
        return self._known

    def forget(self) -> None:
        self._fresh_until = 0.0

    def _read(self) -> None:
        self._fresh_until = time.monotonic() + self.SECONDS
        try:
            self._known = rate_limit_overrides()
        except DatabaseError as error:
            log.warning("rate_limits_not_read", error=str(error).splitlines()[0] if str(error) else "")


overrides = OverridesMemo()


class TierThrottle(DeclaredThrottle):
    """Count callers under the limits of their tier."""

    def tier_of(self, user: Any) -> str:
        return str(getattr(user, "tier", Tier.FREE))

    def rates(self, tier: str, scope: str) -> Sequence[str]:
        return overrides.get().get((tier, scope)) or default_rates(tier, scope)
