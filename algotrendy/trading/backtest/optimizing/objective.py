"""What is to be as large or as small as possible, and what must hold besides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from algotrendy.trading.backtest.metrics import Comparison, Metrics, Performance, TradeFigures
from algotrendy.trading.backtest.optimizing.space import InvalidSpace

GROUPS = {"performance": Performance, "comparison": Comparison, "trades": TradeFigures}
METRICS: dict[str, tuple[str, str]] = {
    ("trade_count" if (group, item.name) == ("trades", "count") else item.name): (group, item.name)
    for group, kind in GROUPS.items()
    for item in fields(kind)
}
"""Every figure that may be asked for, and where it is in the metrics."""
SMALLER_IS_BETTER = frozenset({"volatility", "max_drawdown", "max_drawdown_seconds", "fees", "most_losses_in_a_row"})
FAST = frozenset({"final_equity", "total_return", "annual_return", "sharpe", "max_drawdown", "calmar", "trade_count"})
"""What a sweep tells without working out everything else."""


class Comparator(StrEnum):
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A figure that a parameter set must reach, or must not pass, to be chosen."""

    metric: str
    comparator: Comparator
    value: float

    def fault(self, figures: Mapping[str, float]) -> str:
        """Return why the figures break it, with both numbers; empty where they do not."""
        found = figures[self.metric]
        if self.comparator is Comparator.AT_LEAST:
            return "" if found >= self.value else f"{self.metric} {found:.4g} is below {self.value:g}"
        return "" if found <= self.value else f"{self.metric} {found:.4g} is above {self.value:g}"


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric to optimize; `maximize` None takes the direction that is better for it."""

    metric: str
    maximize: bool | None = None
    constraints: tuple[Constraint, ...] = ()

    def validate(self) -> None:
        """Raise InvalidSpace for a metric that there is not."""
        for name in self.metrics:
            if name not in METRICS:
                raise InvalidSpace(f"There is no metric {name!r:.40}; there are {', '.join(sorted(METRICS))}.")
        for constraint in self.constraints:
            if not math.isfinite(constraint.value):
                raise InvalidSpace(f"The constraint on {constraint.metric} needs a finite value.")

    @property
    def metrics(self) -> tuple[str, ...]:
        return (self.metric, *(constraint.metric for constraint in self.constraints))

    @property
    def is_fast(self) -> bool:
        return set(self.metrics) <= FAST

    @property
    def sign(self) -> int:
        """1 where larger is better, -1 where smaller is."""
        better = self.metric not in SMALLER_IS_BETTER if self.maximize is None else self.maximize
        return 1 if better else -1

    def fault(self, figures: Mapping[str, float]) -> str:
        """Return why a set with these figures cannot be chosen; empty where it can."""
        if not math.isfinite(figures[self.metric]):
            return f"{self.metric} is not a number here"
        return next((fault for constraint in self.constraints if (fault := constraint.fault(figures))), "")


def figures_of(metrics: Metrics) -> dict[str, float]:
    """Return every figure by its name."""
    return {name: float(getattr(getattr(metrics, group), field)) for name, (group, field) in METRICS.items()}
