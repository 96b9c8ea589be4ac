"""The stretches of time in which calls are counted, and what is left of them.

Rates, windows and keys are django-ratelimit's, so that its own `get_usage` and decorators read the same counts; only
the counting is ours (docs/adr/0007-rate-limits.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django_ratelimit import ALL
from django_ratelimit.core import _get_window, _make_cache_key, _split_rate

NAMES = {1: "burst", 60: "minute", 3600: "hour", 86400: "day"}


@dataclass(frozen=True, slots=True)
class Window:
    """`limit` calls in the `seconds` that end at the epoch second `ends_at`; counted under `key`."""

    name: str
    limit: int
    seconds: int
    key: str
    ends_at: int


@dataclass(frozen=True, slots=True)
class Usage:
    """How many calls a window has seen, this one among them."""

    window: Window
    count: int

    @property
    def remaining(self) -> int:
        return max(0, self.window.limit - self.count)

    @property
    def is_exceeded(self) -> bool:
        return self.count > self.window.limit

    @property
    def seconds_left(self) -> int:
        return max(1, self.window.ends_at - int(time.time()))


@dataclass(frozen=True, slots=True)
class Tally:
    """A counted call: under which scope and tier, and how each of its windows stands. Without windows it is exempt."""

    scope: str
    tier: str
    usages: tuple[Usage, ...] = ()

    @property
    def retry_after(self) -> int:
        """Return the seconds until every window has room again; 0 where none is exceeded."""
        return max((usage.seconds_left for usage in self.usages if usage.is_exceeded), default=0)

    @property
    def leading(self) -> Usage:
        """Return the window that holds up the caller first.

        That is one that is used up, the longest first. Else a burst, which is whole again in a second, tells nothing:
        it is the one of the others with the fewest calls left.
        """
        spent = [usage for usage in self.usages if not usage.remaining]
        if spent:
            return max(spent, key=lambda usage: usage.window.ends_at)
        return min(self.usages, key=lambda usage: (usage.window.seconds == 1, usage.remaining))


def window(group: str, caller: str, rate: str, name: str = "") -> Window:
    """Return the current window of a rate such as `100/m` for the caller's calls of the group."""
    parsed = limit, seconds = _parsed(rate)
    last_second = _get_window(caller, seconds)
    key = _make_cache_key(group, last_second, parsed, caller, ALL)
    return Window(name or NAMES.get(seconds, f"{seconds}s"), limit, seconds, key, last_second + 1)


def windows(group: str, caller: str, rates: Iterable[str]) -> list[Window]:
    return [window(group, caller, rate) for rate in rates]


@lru_cache(maxsize=1024)
def _parsed(rate: str) -> tuple[int, int]:
    """Return a rate's calls and seconds, which the library takes in the place of its text."""
    limit, seconds = _split_rate(rate)
    return int(limit), int(seconds)
