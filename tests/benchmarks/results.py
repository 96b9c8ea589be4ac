"""What a part of the benchmark found: a table, and the targets that it was held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """A figure that should be at most (or at least) a limit."""

    what: str
    measured: float
    limit: float
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def told(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{'met' if self.is_met else 'MISSED'}: {self.what} {self.measured:,.2f} (target {sign} {self.limit:,g})"


@dataclass(frozen=True)
class Result:
    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]]
    targets: list[Target] = field(default_factory=list)

    def told(self) -> str:
        """Return the table as Markdown, and the targets below it."""
        lines = [self.columns, ["---"] * len(self.columns), *self.rows]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return "\n\n".join([f"**{self.title}**", table, *(f"- {target.told()}" for target in self.targets)])
