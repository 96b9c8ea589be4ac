"""Indicators by name: every function of TA-Lib, and the house's own, with parameters that are checked.

An indicator is asked with its name and parameters and gives named columns of the candles' length, NaN where there are
too few values yet. `rsi` and `mfi` are the house's (neutral where nothing moves); MAVP, which wants a column of
periods, is left out, and so is ZIGZAG where TA-Lib has it: it redraws its past.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from algotrendy.trading import indicators
from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.errors import InvalidParameter, TradingError
from algotrendy.trading.strategies.base import LARGEST, ParameterSpec, ParameterValue
from algotrendy.trading.ta_lib import abstract, talib

PRICES = ("open", "high", "low", "close", "volume")
LEFT_OUT = frozenset({"MAVP", "ZIGZAG"})
LONGEST = 500
"""Candles that a period may have: what a live run sees."""
OWN_GROUP = "Volume and volatility"
type Columns = dict[str, Floats]
type Compute = Callable[[Candles, Mapping[str, Any], str], Columns]


class UnknownIndicator(TradingError):
    """No indicator has the name."""

    code = "unknown_indicator"


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator: its parameters, its columns, and how many candles pass before the first value.

    `of` is whether it works on one column that may be chosen (closes unless told).
    """

    name: str
    title: str
    group: str
    parameters: tuple[ParameterSpec, ...]
    outputs: tuple[str, ...]
    of: bool
    lookback: Callable[[Mapping[str, Any]], int]
    function: Compute

    def check(self, given: Mapping[str, object]) -> dict[str, ParameterValue]:
        """Return all parameters, those not given at their defaults; raise InvalidParameter that names the range."""
        specs = {spec.name: spec for spec in self.parameters}
        unknown = sorted(set(given) - set(specs))
        if unknown:
            has = f"it has {', '.join(specs)}" if specs else "it has none"
            raise InvalidParameter(f"{self.name} has no parameter {', '.join(unknown)}; {has}.")
        values = {name: spec.check(given.get(name, spec.default)) for name, spec in specs.items()}
        if self._lookback_of(values) < 0:  # TA-Lib knows of limits that the ranges do not tell
            told = ", ".join(f"{name} {value:g}" for name, value in values.items())
            raise InvalidParameter(f"{self.name} cannot be worked out with {told}.")
        return values

    def _lookback_of(self, values: Mapping[str, Any]) -> int:
        try:
            return self.lookback(values)
        except Exception:
            return -1

    def warm_up(self, parameters: Mapping[str, Any]) -> int:
        """Return the number of candles before the first value; of what remembers for ever, before the first at all."""
        return self.lookback(parameters)

    def compute(self, candles: Candles, parameters: Mapping[str, Any], of: str = "close") -> Columns:
        """Return the columns; all NaN where there are too few candles."""
        if len(candles) <= self.lookback(parameters):
            return {name: np.full(len(candles), np.nan) for name in self.outputs}
        return self.function(candles, parameters, of)


def all_indicators() -> tuple[Indicator, ...]:
    """Return every indicator, by group and name."""
    return tuple(_catalog().values())


def get(name: str) -> Indicator:
    """Return the indicator of that name; raise UnknownIndicator."""
    try:
        return _catalog()[name]
    except KeyError:
        raise UnknownIndicator(f"There is no indicator {name!r:.40}; the catalog lists {len(_catalog())}.") from None


@cache
def _catalog() -> dict[str, Indicator]:
    found = [_of_talib(name) for name in _functions() if name not in LEFT_OUT]
    own = [
        _own("vwap", "Rolling volume-weighted average price", 20, lambda period: period - 1, _vwap),
        _own("volatility", "Deviation of one-candle returns", 20, lambda period: period, _volatility),
    ]
    neutral = {"rsi": _rsi, "mfi": _mfi}
    replaced = [
        Indicator(
            each.name, each.title, each.group, each.parameters, each.outputs, each.of, each.lookback,
            neutral.get(each.name, each.function),
        )
        for each in found
    ]  # fmt: skip
    return {each.name: each for each in sorted([*replaced, *own], key=lambda each: (each.group, each.name))}


def _functions() -> list[str]:
    return list(talib.get_functions())  # type: ignore[no-untyped-call]


def _abstract(name: str) -> Any:
    return abstract.Function(name)  # type: ignore[attr-defined]


@lru_cache(maxsize=1024)
def _lookback(name: str, parameters: tuple[tuple[str, Any], ...]) -> int:
    """Return what TA-Lib says, which makes a function anew for each question; strategies ask at every candle."""
    function = _abstract(name)
    if parameters:
        function.parameters = dict(parameters)
    return int(function.lookback)


def _of_talib(name: str) -> Indicator:
    info = _abstract(name).info
    inputs = info["input_names"]

    def lookback(parameters: Mapping[str, Any]) -> int:
        return _lookback(name, tuple(parameters.items()))

    def compute(candles: Candles, parameters: Mapping[str, Any], of: str) -> Columns:
        columns: list[Floats] = []
        for kind, names in inputs.items():
            wanted = [of if kind == "price" else names] if isinstance(names, str) else names
            columns += [getattr(candles, each) for each in wanted]
        result = getattr(talib, name)(*columns, **parameters)
        parts = result if isinstance(result, tuple) else (result,)
        return dict(zip(info["output_names"], (_floats(part) for part in parts), strict=True))

    return Indicator(
        name=name.lower(),
        title=info["display_name"],
        group=info["group"],
        parameters=tuple(_spec(key, default) for key, default in info["parameters"].items()),
        outputs=tuple(info["output_names"]),
        of="price" in inputs,
        lookback=lookback,
        function=compute,
    )


def _spec(name: str, default: float) -> ParameterSpec:
    """Return a parameter of TA-Lib, whose own tables of ranges Python does not see, with the range of its kind."""
    words = name.replace("_", " ")
    if name.endswith("matype"):
        return ParameterSpec(name, int, int(default), 0, 13, "Kind of average: 0 simple, 1 exponential, 2 weighted ….")
    if isinstance(default, int):
        return ParameterSpec(name, int, default, 1, LONGEST, f"Candles of the {words}.")
    if name.endswith("limit") or name == "vfactor":
        return ParameterSpec(name, float, default, 0.01, 0.99, f"Share: {words}.")
    if name == "startvalue":
        return ParameterSpec(name, float, default, -LARGEST, LARGEST, "Where it starts; 0 for by itself.")
    return ParameterSpec(name, float, default, 0.0, 100.0, f"{words.capitalize()}.")


def _floats(column: Any) -> Floats:
    """Return a column as floats: candlestick patterns come as whole numbers."""
    return np.asarray(column, dtype=np.float64)


def _own(name: str, title: str, period: int, lookback: Callable[[int], int], compute: Compute) -> Indicator:
    spec = ParameterSpec("timeperiod", int, period, 2, LONGEST, "Candles of the period.")
    return Indicator(
        name, title, OWN_GROUP, (spec,), ("real",), False, lambda given: lookback(given["timeperiod"]), compute
    )


def _vwap(candles: Candles, given: Mapping[str, Any], of: str) -> Columns:
    columns = (candles.high, candles.low, candles.close, candles.volume)
    return {"real": indicators.vwap(*columns, given["timeperiod"])}


def _volatility(candles: Candles, given: Mapping[str, Any], of: str) -> Columns:
    return {"real": indicators.volatility(candles.close, given["timeperiod"])}


def _rsi(candles: Candles, given: Mapping[str, Any], of: str) -> Columns:
    return {"real": indicators.rsi(getattr(candles, of), given["timeperiod"])}


def _mfi(candles: Candles, given: Mapping[str, Any], of: str) -> Columns:
    columns = (candles.high, candles.low, candles.close, candles.volume)
    return {"real": indicators.mfi(*columns, given["timeperiod"])}
