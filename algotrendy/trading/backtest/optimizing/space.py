"""What an optimization searches: for each parameter an ordered list of values, and all their combinations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from algotrendy.trading.errors import InvalidParameter, TradingError
from algotrendy.trading.strategies.base import ParameterSpec, ParameterValue, Strategy

MOST_VALUES = 1_000
MOST_AXES = 8
DEFAULT_STEPS = 20
"""A range of fractions that names no step is cut into so many."""
type Point = tuple[int, ...]
"""Which value each axis takes, as indices."""


class InvalidSpace(TradingError):
    """The space cannot be searched as asked."""

    code = "invalid_space"


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter and the values that it is tried with, in rising order."""

    name: str
    values: tuple[ParameterValue, ...]


@dataclass(frozen=True, slots=True)
class Space:
    """All combinations of the axes' values; the other parameters keep those of `fixed`."""

    rule: type[Strategy]
    axes: tuple[Axis, ...]
    fixed: Mapping[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def parameters(self, point: Point) -> dict[str, Any]:
        """Return all parameters of a point."""
        chosen = {axis.name: axis.values[index] for axis, index in zip(self.axes, point, strict=True)}
        return {**self.fixed, **chosen}

    def point(self, number: int) -> Point:
        """Return the point of that number, the last axis changing fastest."""
        indices = []
        for length in reversed(self.shape):
            number, index = divmod(number, length)
            indices.append(index)
        return tuple(reversed(indices))

    def strategy(self, point: Point) -> Strategy | None:
        """Return the rule with the point's parameters; None where they contradict each other."""
        try:
            return self.rule.configure(self.parameters(point))
        except InvalidParameter:
            return None

    def neighbors(self, point: Point) -> Iterator[Point]:
        """Yield the points that differ by one step on one axis."""
        for axis, length in enumerate(self.shape):
            for step in (-1, 1):
                if 0 <= point[axis] + step < length:
                    yield (*point[:axis], point[axis] + step, *point[axis + 1 :])


def space_of(rule: type[Strategy], asked: Mapping[str, Mapping[str, Any]], fixed: Mapping[str, Any]) -> Space:
    """Return the space that is asked for; raise InvalidSpace or InvalidParameter that names the parameter.

    For each parameter `asked` has either `values`, a list, or `low` and `high` with an optional `step`.
    """
    specs = {spec.name: spec for spec in rule.parameters()}
    if not asked:
        raise InvalidSpace("Name at least one parameter to search.")
    if len(asked) > MOST_AXES:
        raise InvalidSpace(f"At most {MOST_AXES} parameters can be searched at once, not {len(asked)}.")
    unknown = sorted(set(asked) - set(specs))
    if unknown:
        raise InvalidSpace(f"{rule.name} has no parameter {', '.join(unknown)}; it has {', '.join(specs)}.")
    kept = {name: specs[name].check(value) for name, value in fixed.items() if name in specs and name not in asked}
    defaults = {spec.name: spec.default for spec in specs.values() if spec.name not in asked}
    axes = tuple(Axis(name, _values(specs[name], request)) for name, request in asked.items())
    return Space(rule, axes, {**defaults, **kept})


def _values(spec: ParameterSpec, request: Mapping[str, Any]) -> tuple[ParameterValue, ...]:
    if not isinstance(request, Mapping) or not set(request) <= {"values", "low", "high", "step"}:
        raise InvalidSpace(f"{spec.name}: give values, or low and high with a step.")
    if "values" in request:
        given = request["values"]
        if not isinstance(given, Sequence) or isinstance(given, str) or not given:
            raise InvalidSpace(f"{spec.name}: values must be a list with at least one value.")
        found = [spec.check(_number(value)) for value in given[: MOST_VALUES + 1]]
    elif spec.kind is bool:
        found = [False, True]
    elif spec.kind in (int, float):
        found = _range(spec, request)
    else:
        raise InvalidSpace(f"{spec.name} is no number; it cannot be searched.")
    if len(found) > MOST_VALUES:
        raise InvalidSpace(f"{spec.name} would take more than {MOST_VALUES:,} values; take a larger step.")
    return tuple(sorted(set(found)))


def _range(spec: ParameterSpec, request: Mapping[str, Any]) -> list[ParameterValue]:
    low, high = (request.get(end, getattr(spec, {"low": "minimum", "high": "maximum"}[end])) for end in ("low", "high"))
    low, high = (spec.check(_number(end)) for end in (low, high))
    if low > high:
        raise InvalidSpace(f"{spec.name}: low {low:g} is above high {high:g}.")
    default = 1 if spec.kind is int else (high - low) / DEFAULT_STEPS or 1
    step = _number(request.get("step", default))
    if not isinstance(step, int | float) or isinstance(step, bool) or not math.isfinite(step) or step <= 0:
        raise InvalidSpace(f"{spec.name}: the step must be a number above 0, not {step!r:.40}.")
    if (spec.kind is int and step != int(step)) or (high - low) / step > 10 * MOST_VALUES:
        raise InvalidSpace(f"{spec.name}: the step {step:g} does not fit a range from {low:g} to {high:g}.")
    count = int((high - low) / step + 1e-9) + 1
    return [spec.check(round(low + number * step, 10)) for number in range(count)]


def _number(value: Any) -> Any:
    """Return a decimal of an exact JSON parser as the number that the rules take; anything else as it is."""
    return float(value) if hasattr(value, "as_tuple") else value
