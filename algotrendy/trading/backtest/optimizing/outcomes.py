"""What became of trials, and which is the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from algotrendy.trading.backtest.optimizing.objective import Objective
from algotrendy.trading.backtest.optimizing.space import Point


class Status(StrEnum):
    """What became of a trial."""

    OK = "ok"
    REFUSED = "refused"
    """It breaks a constraint, or its figure does not exist."""
    INVALID = "invalid"
    """Its parameters contradict each other."""
    FAILED = "failed"
    """The rule raised."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A trial: its point, what became of it, its figures (empty where it was not run) and the objective's figure."""

    point: Point
    status: Status
    message: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    objective: float | None = None


def best_of(outcomes: Sequence[Outcome], objective: Objective) -> Outcome | None:
    """Return the best trial that may be chosen; of equal ones the first."""
    good = [outcome for outcome in outcomes if outcome.objective is not None]
    return max(good, key=lambda outcome: objective.sign * (outcome.objective or 0.0), default=None)
