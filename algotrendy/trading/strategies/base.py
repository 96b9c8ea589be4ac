"""The contract of a strategy: typed parameters in, candles in, signals out.

A strategy is a frozen dataclass whose fields are its parameters, each declared with `number(...)` or `switch(...)`.
It never places an order, reads a clock or keeps state between candles: the same candles always give the same signals.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self, cast

import numpy as np

from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.errors import InvalidParameter
from algotrendy.trading.signals import CODES, Action, Actions, Signal, SignalColumns
from algotrendy.trading.strategies.checking import ask

LARGEST = 1e18
"""No parameter is beyond this; what compares with it is finite, and fits a float."""
type ParameterValue = int | float | bool


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One parameter as data: it makes the admin's form, the API's schema and an optimiser's space."""

    name: str
    kind: type[Any]
    """int, float, bool, or dict for a document."""
    default: ParameterValue
    minimum: float | None
    maximum: float | None
    description: str
    read: Callable[[object], Any] | None = None
    """What checks a document, and puts it into one form."""

    @property
    def is_number(self) -> bool:
        return self.kind in (int, float)

    def shown(self, value: Any) -> str:
        """Return a value of the parameter in a word or two."""
        return f"{value:g}" if self.is_number else str(value).lower() if self.kind is bool else "its own"

    def check(self, value: object) -> ParameterValue:
        """Return the value in the parameter's type; raise InvalidParameter that names the range."""
        if self.read is not None:
            return cast(ParameterValue, self.read(value))
        if self.kind is bool:
            if not isinstance(value, bool):
                raise InvalidParameter(f"{self.name} must be true or false, not {value!r}.")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidParameter(f"{self.name} must be a number, not {value!r}.")
        if not -LARGEST <= value <= LARGEST or (self.kind is int and value != int(value)):
            kind = "whole" if self.kind is int else "finite"
            raise InvalidParameter(f"{self.name} must be a {kind} number, not {value!r:.40}.")
        number: int | float = self.kind(value)
        if self.minimum is None or self.maximum is None or not self.minimum <= number <= self.maximum:
            raise InvalidParameter(f"{self.name} must be between {self.minimum} and {self.maximum}, not {number:g}.")
        return number


def number(default: float, description: str, *, minimum: float, maximum: float) -> Any:
    """Declare a numeric parameter with its default, its meaning and its range, both ends included."""
    return field(default=default, metadata={"description": description, "minimum": minimum, "maximum": maximum})


def switch(default: bool, description: str) -> Any:
    """Declare a parameter that is true or false."""
    return field(default=default, metadata={"description": description, "minimum": None, "maximum": None})


def document(default: Mapping[str, Any], description: str, *, check: Callable[[object], Any]) -> Any:
    """Declare a parameter that is an object of JSON; `check` returns it in one form, or raises InvalidParameter."""
    metadata = {"description": description, "minimum": None, "maximum": None, "read": check}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Strategy(ABC):
    """A rule that turns candles into signals."""

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]

    @property
    @abstractmethod
    def warm_up(self) -> int:
        """The number of candles before the first one that can give a signal."""

    @abstractmethod
    def signals(self, candles: Candles) -> SignalColumns:
        """Return the signal on every candle, each from that candle and older ones only."""

    def actions(self, candles: Candles) -> Actions:
        """Return only the actions of `signals`; a rule that knows a shorter way to the same ones may take it."""
        return self.signals(candles).action

    @abstractmethod
    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        """Say in one line, with its figures, why the newest candle has the signal it has."""

    def latest(self, candles: Candles) -> Signal:
        """Return the signal on the newest candle; hold with confidence 0 while there are too few candles.

        Raises InvalidSignals where the rule breaks its contract.
        """
        if len(candles) <= self.warm_up:
            return hold(candles, f"{len(candles)} candles of the {self.warm_up + 1} that are needed")
        columns = ask(self, candles)
        code = int(columns.action[-1])
        return Signal(
            action=CODES[code],
            confidence=float(columns.confidence[-1]),
            price=float(candles.close[-1]),
            reason=str(self.explain(candles.read_only(), columns)),
            stop_loss=_price(columns.stop_loss),
            take_profit=_price(columns.take_profit),
        )

    @property
    def fitted(self) -> int:
        """How many figures of it could have been fitted to the past."""
        return len(self.parameters())

    def validate(self) -> None:  # noqa: B027 - most rules have nothing to add
        """Raise InvalidParameter where parameters contradict each other; called by `configure`."""

    @classmethod
    def parameters(cls) -> tuple[ParameterSpec, ...]:
        """Return the parameters in the order in which they are declared."""
        kinds: dict[str, Any] = {"int": int, "float": float, "bool": bool, "Document": dict}
        return tuple(
            ParameterSpec(
                name=item.name,
                kind=kinds[item.type if isinstance(item.type, str) else item.type.__name__],
                default=cast(ParameterValue, item.default),
                minimum=item.metadata["minimum"],
                maximum=item.metadata["maximum"],
                description=item.metadata["description"],
                read=item.metadata.get("read"),
            )
            for item in fields(cls)
        )

    @classmethod
    def configure(cls, values: Mapping[str, object]) -> Self:
        """Return the strategy with these parameters and defaults for the others; raise InvalidParameter."""
        specs = {spec.name: spec for spec in cls.parameters()}
        unknown = sorted(set(values) - set(specs))
        if unknown:
            raise InvalidParameter(f"{cls.name} has no parameter {', '.join(unknown)}; it has {', '.join(specs)}.")
        strategy = cls(**{name: specs[name].check(value) for name, value in values.items()})
        strategy.validate()
        return strategy


def hold(candles: Candles, reason: str) -> Signal:
    """Return a hold with confidence 0 at the newest close (0 where there is no candle)."""
    price = float(candles.close[-1]) if len(candles) else 0.0
    return Signal(action=Action.HOLD, confidence=0.0, price=price, reason=reason)


def _price(column: Floats) -> float | None:
    return None if np.isnan(column[-1]) else float(column[-1])
