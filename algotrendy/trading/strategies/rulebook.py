"""The document of a strategy made of conditions: read, checked, and put into one form.

```
{"entry_long":  {"join": "all", "conditions": [
     {"left": {"indicator": "ema", "parameters": {"timeperiod": 12}}, "is": "crosses_above",
      "right": {"indicator": "ema", "parameters": {"timeperiod": 26}}},
     {"left": {"indicator": "rsi"}, "is": "below", "right": 70}]},
 "exit_long":   {"join": "any", "conditions": [{"left": {"indicator": "rsi"}, "is": "above", "right": 80}]},
 "stop_percent": 3, "target_percent": 6}
```

An operand is a number, a column of the candles ("close"), or an indicator with its parameters, which of its `output`s,
`of` which column it is worked out, and how many candles `ago`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from algotrendy.trading import catalog
from algotrendy.trading.errors import InvalidParameter, TradingError

GROUPS = ("entry_long", "exit_long", "entry_short", "exit_short")
FIGURES = {"stop_percent": (0.0, 99.0), "target_percent": (0.0, 1000.0), "confidence": (0.0, 1.0)}
DEFAULTS = {"stop_percent": 3.0, "target_percent": 6.0, "confidence": 0.6}
MOST_CONDITIONS, MOST_AGO, LONGEST_TEXT = 8, 100, 20_000


class Comparison(StrEnum):
    CROSSES_ABOVE = "crosses_above"
    CROSSES_BELOW = "crosses_below"
    ABOVE = "above"
    BELOW = "below"
    BETWEEN = "between"
    OUTSIDE = "outside"


TAKES_UPPER = frozenset({Comparison.BETWEEN, Comparison.OUTSIDE})


@dataclass(frozen=True, slots=True)
class Operand:
    """A number, a column, or an indicator's output; `ago` candles back."""

    number: float | None = None
    column: str = ""
    indicator: str = ""
    parameters: tuple[tuple[str, Any], ...] = ()
    output: str = ""
    of: str = "close"
    ago: int = 0

    @property
    def warm_up(self) -> int:
        """How many candles pass before its first value."""
        if not self.indicator:
            return self.ago
        return self.ago + catalog.get(self.indicator).warm_up(dict(self.parameters))

    def __str__(self) -> str:
        if self.number is not None:
            return f"{self.number:g}"
        given = ", ".join(f"{value:g}" for _, value in self.parameters)
        name = f"{self.indicator.upper()}({given})" if self.indicator else self.column
        single = not self.indicator or len(catalog.get(self.indicator).outputs) == 1
        return f"{name}{'' if single else f' {self.output}'}{f' {self.ago} ago' if self.ago else ''}"


@dataclass(frozen=True, slots=True)
class Condition:
    left: Operand
    comparison: Comparison
    right: Operand
    upper: Operand | None = None

    @property
    def operands(self) -> tuple[Operand, ...]:
        return (self.left, self.right, *((self.upper,) if self.upper else ()))

    @property
    def warm_up(self) -> int:
        crosses = self.comparison in (Comparison.CROSSES_ABOVE, Comparison.CROSSES_BELOW)
        return max(operand.warm_up for operand in self.operands) + crosses

    def __str__(self) -> str:
        words = f"{self.left} {self.comparison.replace('_', ' ')} {self.right}"
        return f"{words} and {self.upper}" if self.upper else words


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which all must hold, or any; without one it never does."""

    join: str = "all"
    conditions: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        return f" {'and' if self.join == 'all' else 'or'} ".join(map(str, self.conditions))


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A document that was read."""

    groups: tuple[Group, Group, Group, Group]
    stop_percent: float
    target_percent: float
    confidence: float

    @property
    def warm_up(self) -> int:
        return max((each.warm_up for group in self.groups for each in group.conditions), default=0)


class Document(dict[str, Any]):
    """A checked document as JSON keeps it; equal ones have one hash."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(json.dumps(self, sort_keys=True))


def read(document: object) -> Rulebook:
    """Return the document's rules; raise InvalidParameter that names the place."""
    if not isinstance(document, Mapping):
        raise InvalidParameter("rules must be an object with conditions.")
    if len(json.dumps(document, default=str)) > LONGEST_TEXT:
        raise InvalidParameter(f"rules are longer than {LONGEST_TEXT:,} characters.")
    unknown = sorted(set(document) - {*GROUPS, *FIGURES}, key=str)
    if unknown:
        raise InvalidParameter(f"rules: there is no {unknown[0]!r:.40}; there are {', '.join((*GROUPS, *FIGURES))}.")
    groups = tuple(_group(document.get(name, {}), name) for name in GROUPS)
    if not groups[0].conditions and not groups[2].conditions:
        raise InvalidParameter("rules: entry_long or entry_short needs a condition.")
    figures = {name: _figure(document.get(name, DEFAULTS[name]), name) for name in FIGURES}
    return Rulebook(groups, **figures)  # type: ignore[arg-type]


def written(rules: Rulebook) -> Document:
    """Return rules as their document, complete and in one form."""
    document = Document({name: _write_group(group) for name, group in zip(GROUPS, rules.groups, strict=True)})
    document.update({name: getattr(rules, name) for name in FIGURES})
    return document


def numbers(document: object) -> int:
    """Return how many numbers a document has: what could have been fitted."""
    return sum(1 for _ in _numbers(document))


def _numbers(value: object) -> Iterator[float]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name not in ("ago", "confidence"):
                yield from _numbers(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def _group(value: object, place: str) -> Group:
    if not isinstance(value, Mapping) or not set(value) <= {"join", "conditions"}:
        raise InvalidParameter(f"{place}: give join (all or any) and conditions.")
    join, conditions = value.get("join", "all"), value.get("conditions", [])
    if join not in ("all", "any"):
        raise InvalidParameter(f"{place}.join must be all or any, not {join!r:.40}.")
    if not isinstance(conditions, list) or len(conditions) > MOST_CONDITIONS:
        raise InvalidParameter(f"{place}.conditions must be a list of at most {MOST_CONDITIONS}.")
    return Group(join, tuple(_condition(each, f"{place}.conditions[{k}]") for k, each in enumerate(conditions)))


def _condition(value: object, place: str) -> Condition:
    if not isinstance(value, Mapping) or not set(value) <= {"left", "is", "right", "upper"}:
        raise InvalidParameter(f"{place}: give left, is and right, and upper for a range.")
    try:
        comparison = Comparison(str(value.get("is")))
    except ValueError:
        there = ", ".join(Comparison)
        raise InvalidParameter(f"{place}.is must be one of {there}, not {value.get('is')!r:.40}.") from None
    if ("upper" in value) != (comparison in TAKES_UPPER):
        raise InvalidParameter(f"{place}: {comparison} {'needs' if 'upper' not in value else 'takes no'} upper.")
    upper = _operand(value["upper"], f"{place}.upper") if "upper" in value else None
    return Condition(
        _operand(value.get("left"), f"{place}.left"), comparison, _operand(value.get("right"), f"{place}.right"), upper
    )


def _operand(value: object, place: str) -> Operand:
    if isinstance(value, str):
        if value not in catalog.PRICES:
            raise InvalidParameter(f"{place} must be one of {', '.join(catalog.PRICES)}, not {value!r:.40}.")
        return Operand(column=value)
    if isinstance(value, Mapping):
        return _indicator(value, place)
    return Operand(number=_number(value, place))


def _indicator(value: Mapping[str, Any], place: str) -> Operand:
    if not set(value) <= {"indicator", "parameters", "output", "of", "ago"}:
        raise InvalidParameter(f"{place}: give indicator, and parameters, output, of and ago where they are needed.")
    ago = value.get("ago", 0)
    if isinstance(ago, bool) or not isinstance(ago, int) or not 0 <= ago <= MOST_AGO:
        raise InvalidParameter(f"{place}.ago must be a whole number of candles up to {MOST_AGO}.")
    if value.get("indicator") in catalog.PRICES:
        return Operand(column=value["indicator"], ago=ago)
    try:
        found = catalog.get(str(value.get("indicator")))
        given = value.get("parameters", {})
        if not isinstance(given, Mapping):
            raise InvalidParameter("parameters must be an object.")
        parameters = found.check(given)
    except TradingError as error:
        raise InvalidParameter(f"{place}: {error.message}") from None
    output, of = value.get("output", found.outputs[0]), value.get("of", "close")
    if output not in found.outputs:
        raise InvalidParameter(f"{place}.output of {found.name} is one of {', '.join(found.outputs)}.")
    if of not in catalog.PRICES or (of != "close" and not found.of):
        raise InvalidParameter(f"{place}.of cannot be chosen for {found.name}.")
    return Operand(indicator=found.name, parameters=tuple(parameters.items()), output=output, of=of, ago=ago)


def _number(value: object, place: str) -> float:
    number = float(value) if hasattr(value, "as_tuple") else value  # type: ignore[arg-type]
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= 1e18:
        raise InvalidParameter(f"{place} must be a number, a column or an indicator, not {value!r:.40}.")
    return float(number)


def _figure(value: object, name: str) -> float:
    low, high = FIGURES[name]
    number = _number(value, name)
    if not low <= number <= high:
        raise InvalidParameter(f"{name} must be between {low:g} and {high:g}, not {number:g}.")
    return number


def _write_group(group: Group) -> dict[str, Any]:
    return {"join": group.join, "conditions": [_write_condition(each) for each in group.conditions]}


def _write_condition(condition: Condition) -> dict[str, Any]:
    found = {
        "left": _write_operand(condition.left), "is": condition.comparison.value,
        "right": _write_operand(condition.right),
    }  # fmt: skip
    return found | ({"upper": _write_operand(condition.upper)} if condition.upper else {})


def _write_operand(operand: Operand) -> Any:
    if operand.number is not None:
        return operand.number
    if operand.column:
        return {"indicator": operand.column, "ago": operand.ago} if operand.ago else operand.column
    found: dict[str, Any] = {"indicator": operand.indicator, "parameters": dict(operand.parameters)}
    if operand.output != catalog.get(operand.indicator).outputs[0]:
        found["output"] = operand.output
    if operand.of != "close":
        found["of"] = operand.of
    return found | ({"ago": operand.ago} if operand.ago else {})
