"""What tests of the rate limits share: a clock that stands still, and counts that no other test knows."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from types import SimpleNamespace

import django_ratelimit.core
import pytest
from django.conf import LazySettings

from apps.accounts.api import throttling
from apps.common.limits import counting, windows


@dataclass
class Clock:
    """The second that limits believe it is; tests move it."""

    now: int = field(default_factory=lambda: int(time.time()))

    def forward(self, seconds: int = 1) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Stop the limits' clock: no test is to fail because a minute ends in the middle of it."""
    clock = Clock()
    stopped = SimpleNamespace(time=lambda: clock.now)
    monkeypatch.setattr(django_ratelimit.core, "time", stopped)
    monkeypatch.setattr(windows, "time", stopped)
    return clock


@pytest.fixture
def limited(settings: LazySettings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Count calls, under keys of this test's own, by what the database says at this moment."""
    settings.RATELIMIT_ENABLE = True
    settings.RATELIMIT_CACHE_PREFIX = f"rl:{uuid.uuid4()}:"
    monkeypatch.setattr(throttling.overrides, "SECONDS", 0.0)
    throttling.overrides.forget()
    monkeypatch.setattr(counting.counter, "PAUSE", 0.2)
    return clock
