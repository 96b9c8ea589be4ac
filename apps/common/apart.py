"""Work on one thing after another, so that one that fails holds up no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from django.db import InterfaceError, OperationalError
from prometheus_client import Counter

log = structlog.get_logger(__name__)
CUT_OFF = (OperationalError, InterfaceError)
"""What the database raises that is away, or that asks to begin anew: nothing else would go on either."""
FAILED_APART = Counter("failed_apart_total", "What failed while others like it went on.", ["doing"])


def each_apart[T, R](items: Iterable[T], work: Callable[[T], R], *, doing: str) -> list[R]:
    """Do the work for each; return what came of those that did not fail.

    A failure is logged and counted under what was being `doing`; the work is its own transaction, and somebody comes
    back to it. Raises CUT_OFF.
    """
    done = []
    for item in items:
        try:
            done.append(work(item))
        except CUT_OFF:
            raise
        except Exception:
            failed_apart(doing, str(item))
    return done


def failed_apart(doing: str, subject: str) -> None:
    """Log and count the exception that is being handled."""
    FAILED_APART.labels(doing).inc()
    log.exception("failed_apart", doing=doing, subject=subject)
