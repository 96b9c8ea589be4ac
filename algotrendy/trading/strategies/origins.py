"""Where strategies come from, and what is wrong with what gives none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from algotrendy.trading.strategies.base import Strategy


class OriginKind(StrEnum):
    SHIPPED = "shipped"
    FILE = "file"
    ENTRY_POINT = "entry_point"


class Origin(NamedTuple):
    """Where a strategy comes from; `name` is a file's name or a package's, never a path, and empty if it is shipped."""

    kind: OriginKind
    name: str = ""


class Problem(NamedTuple):
    """What is wrong with a file or an entry point, and where."""

    path: Path
    line: int
    message: str


@dataclass(frozen=True)
class Loaded:
    """A file or an entry point after it was looked at: its strategies with the lines that name them, or a problem."""

    path: Path
    origin: Origin
    strategies: Mapping[str, type[Strategy]] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    problem: Problem | None = None

    def refused(self, line: int, message: str) -> Loaded:
        """Return it without strategies, as they cannot be had."""
        return replace(self, strategies={}, problem=Problem(self.path, line, message))


@dataclass(frozen=True)
class Snapshot:
    """What there was at one moment."""

    loaded: tuple[Loaded, ...] = ()
    rules: Mapping[str, type[Strategy]] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(each.problem for each in self.loaded if each.problem is not None)


def snapshot_of(loaded: Iterable[Loaded]) -> Snapshot:
    """Put together what was loaded; a name that two define is nobody's.

    Which of the two was meant is not guessed: a copied file must not take over a strategy that trades.
    """
    together = list(loaded)
    owners: dict[str, list[Loaded]] = defaultdict(list)
    for each in together:
        for name in each.strategies:
            owners[name].append(each)
    settled = tuple(_settled(each, owners) for each in together)
    rules = {name: rule for each in settled for name, rule in each.strategies.items()}
    return Snapshot(settled, rules, {name: each.origin for each in settled for name in each.strategies})


def _settled(each: Loaded, owners: Mapping[str, list[Loaded]]) -> Loaded:
    for name in each.strategies:
        others = [other.origin.name for other in owners[name] if other is not each]
        if others:
            text = f"The name {name!r} is also used by {', '.join(others)}; neither is taken until one is renamed."
            return each.refused(each.lines.get(name, 1), text)
    return each
