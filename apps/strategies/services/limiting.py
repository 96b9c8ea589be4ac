"""How long a rule may think."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

from algotrendy.trading.errors import TradingError

AGAIN = 0.5
"""Seconds until a rule that swallowed the interruption is interrupted once more."""


class RuleTooSlow(TradingError):
    """The rule was interrupted, as it did not say anything in time."""

    code = "rule_too_slow"


class _Interrupted(BaseException):
    """Not an Exception, so that a rule's own `except Exception` lets it through."""


def in_time[T](seconds: float, who: str, ask: Callable[[], T]) -> T:
    """Return what the rule is asked for; interrupt it where that takes longer, and raise RuleTooSlow.

    Only a process's main thread can be interrupted, as in the workers that trade; elsewhere there is no limit. What is
    inside of one long call of compiled code is interrupted after it.
    """
    if seconds <= 0 or threading.current_thread() is not threading.main_thread():
        return ask()
    running = True

    def interrupt(number: int, frame: FrameType | None) -> None:
        if running:
            raise _Interrupted

    handler = signal.signal(signal.SIGALRM, interrupt)
    others, began = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN), time.monotonic()
    try:
        try:
            return ask()
        finally:
            running = False
    except _Interrupted:
        raise RuleTooSlow(f"The rule {who} took longer than {seconds:g} s.") from None
    finally:
        _restore(handler, others, time.monotonic() - began)


def _restore(handler: object, timer: tuple[float, float], passed: float) -> None:
    """Give the clock back to whom it belonged to, with the time that went by taken off."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, handler)  # type: ignore[arg-type]
    left, interval = timer
    if left:
        signal.setitimer(signal.ITIMER_REAL, max(left - passed, 0.001), interval)
