"""The words of the honesty report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer; `share` is the figure that decided, where there is one."""

    name: str
    verdict: Verdict
    message: str
    share: float = 0.0
