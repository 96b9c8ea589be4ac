"""Strategies of installed packages: classes that they name in the entry point group `algotrendy.strategies`."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from algotrendy.trading.strategies.base import Strategy
from algotrendy.trading.strategies.limits import Limits
from algotrendy.trading.strategies.origins import Loaded, Origin, OriginKind
from algotrendy.trading.strategies.places import Flaw, worded
from algotrendy.trading.strategies.probing import probe_entry_point
from algotrendy.trading.strategies.verdicts import Verdict, Verdicts

GROUP = "algotrendy.strategies"


def load_packages(verdicts: Verdicts, limits: Limits, taken: Collection[str]) -> list[Loaded]:
    """Return every entry point of the group with the strategy that it names, or what is wrong with it."""
    try:
        points = sorted(entry_points(group=GROUP))
    except Exception as error:  # whatever some package's own description may hold
        nothing = Loaded(Path(GROUP), Origin(OriginKind.ENTRY_POINT, GROUP))
        return [nothing.refused(1, f"The installed packages cannot be listed: {worded(error)}")]
    return [_load(each, verdicts, limits, taken) for each in points]


def _load(point: EntryPoint, verdicts: Verdicts, limits: Limits, taken: Collection[str]) -> Loaded:
    package, version = (point.dist.name, point.dist.version) if point.dist else ("", "")
    nothing = Loaded(Path(point.value), Origin(OriginKind.ENTRY_POINT, package))
    try:
        words = (GROUP, point.value, package, version, *sorted(taken))
        verdict = _verdict(verdicts, verdicts.key(*map(str.encode, words)), point.value, taken, limits)
        if verdict.message:
            return nothing.refused(verdict.line, verdict.message)
        rule = _class_of(point)
    except Flaw as flaw:
        return nothing.refused(flaw.line, flaw.message)
    except Exception as error:  # no package may keep the others from being loaded
        return nothing.refused(1, f"It could not be looked at: {worded(error)}")
    return Loaded(nothing.path, nothing.origin, {rule.name: rule}, {each.name: each.line for each in verdict.found})


def _verdict(verdicts: Verdicts, key: str, value: str, taken: Collection[str], limits: Limits) -> Verdict:
    """Return the verdict on this version of the package; one that is installed anew with the same is not looked at."""
    known = verdicts.get(key)
    if known is None:
        known = probe_entry_point(value, taken, limits)
        verdicts.put(key, known)
    return known


def _class_of(point: EntryPoint) -> type[Strategy]:
    try:
        rule: type[Strategy] = point.load()
    except (Exception, SystemExit) as error:
        raise Flaw(worded(error), 1) from None
    return rule
