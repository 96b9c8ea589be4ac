"""Conditions: a strategy that is written down, not programmed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from algotrendy.trading import catalog
from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.signals import CODES, SignalColumns
from algotrendy.trading.strategies.base import Strategy, document
from algotrendy.trading.strategies.columns import Flags
from algotrendy.trading.strategies.rulebook import (
    GROUPS,
    Comparison,
    Condition,
    Document,
    Group,
    Operand,
    Rulebook,
    numbers,
    read,
    written,
)

EXAMPLE = {
    "entry_long": {
        "join": "all",
        "conditions": [
            {
                "left": {"indicator": "ema", "parameters": {"timeperiod": 12}},
                "is": "crosses_above",
                "right": {"indicator": "ema", "parameters": {"timeperiod": 26}},
            },
            {"left": {"indicator": "rsi", "parameters": {"timeperiod": 14}}, "is": "below", "right": 70},
        ],
    },
    "exit_long": {
        "join": "any",
        "conditions": [
            {
                "left": {"indicator": "ema", "parameters": {"timeperiod": 12}},
                "is": "crosses_below",
                "right": {"indicator": "ema", "parameters": {"timeperiod": 26}},
            }
        ],
    },
}


def _checked(value: object) -> Document:
    return written(read(value))


@dataclass(frozen=True)
class Conditions(Strategy):
    """Enter and leave on conditions over indicators and prices; comparisons with what is not known yet never hold.

    Where an entry and the other side's exit hold together the entry wins, as it closes the other side too; where both
    entries hold, nothing is done. Confidence, stop and target are the document's; leaving is sure, hold 0.3. Warm-up:
    the longest of the operands.
    """

    name: ClassVar[str] = "conditions"
    title: ClassVar[str] = "Conditions"
    summary: ClassVar[str] = "Trades on conditions over indicators that you put together here, without code."

    # A field, as `number` gives.
    rules: Document = document(_checked(EXAMPLE), "What to enter and to leave on.", check=_checked)  # noqa: RUF009

    @property
    def book(self) -> Rulebook:
        return read(self.rules)

    @property
    def warm_up(self) -> int:
        return self.book.warm_up

    @property
    def fitted(self) -> int:
        return numbers(self.rules)

    def signals(self, candles: Candles) -> SignalColumns:
        book, known = self.book, np.arange(len(candles)) >= self.warm_up
        columns: dict[Operand, Floats] = {}
        buys, leaves_long, sells, leaves_short = (_holds(group, candles, columns) & known for group in book.groups)
        action = np.zeros(len(candles), dtype=np.int8)
        action[leaves_long] = -2
        action[leaves_short & ~leaves_long] = 2
        action[buys & ~sells] = 1
        action[sells & ~buys] = -1
        entry = np.where(np.abs(action) == 1, action, 0)
        close = candles.close
        return SignalColumns(
            action=action,
            confidence=np.where(entry != 0, book.confidence, np.where(action != 0, 1.0, np.where(known, 0.3, 0.0))),
            stop_loss=_level(entry, close * (1 - entry * book.stop_percent / 100), book.stop_percent),
            take_profit=_level(entry, close * (1 + entry * book.target_percent / 100), book.target_percent),
        )

    def explain(self, candles: Candles, columns: SignalColumns) -> str:
        code = CODES[int(columns.action[-1])].value
        which = {"buy": 0, "close_long": 1, "sell": 2, "close_short": 3}.get(code)
        if which is None:
            return "No group of conditions holds."
        group = self.book.groups[which]
        figures = sorted(
            {operand for each in group.conditions for operand in each.operands if operand.indicator}, key=str
        )
        told = ", ".join(f"{operand} {_column(operand, candles, {})[-1]:.6g}" for operand in figures)
        return f"{GROUPS[which].replace('_', ' ').capitalize()}: {group}" + (f" ({told})" if told else "")


def _level(entry: Any, price: Floats, percent: float) -> Floats:
    return np.where((entry != 0) & (percent > 0) & (price > 0), price, np.nan)


def _holds(group: Group, candles: Candles, columns: dict[Operand, Floats]) -> Flags:
    """Return on which candles the group holds."""
    if not group.conditions:
        return np.zeros(len(candles), dtype=bool)
    found = np.stack([_condition(each, candles, columns) for each in group.conditions])
    together: Flags = found.all(axis=0) if group.join == "all" else found.any(axis=0)
    return together


def _condition(condition: Condition, candles: Candles, columns: dict[Operand, Floats]) -> Flags:
    left, right = (_column(operand, candles, columns) for operand in (condition.left, condition.right))
    match condition.comparison:
        case Comparison.ABOVE:
            return left > right
        case Comparison.BELOW:
            return left < right
        case Comparison.CROSSES_ABOVE:
            return _crosses(left, right)
        case Comparison.CROSSES_BELOW:
            return _crosses(right, left)
    upper = _column(condition.upper or condition.right, candles, columns)
    within = (left >= right) & (left <= upper)
    known = ~(np.isnan(left) | np.isnan(right) | np.isnan(upper))
    return within if condition.comparison is Comparison.BETWEEN else ~within & known


def _crosses(over: Floats, under: Floats) -> Flags:
    """Return where `over` is above now and was not on the candle before."""
    found = np.zeros(len(over), dtype=bool)
    found[1:] = (over[1:] > under[1:]) & (over[:-1] <= under[:-1])
    return found


def _column(operand: Operand, candles: Candles, columns: dict[Operand, Floats]) -> Floats:
    """Return the operand's value on every candle; worked out once in a run."""
    if operand not in columns:
        columns[operand] = _ago(_values(operand, candles), operand.ago)
    return columns[operand]


def _values(operand: Operand, candles: Candles) -> Floats:
    if operand.number is not None:
        return np.full(len(candles), operand.number)
    if operand.column:
        return getattr(candles, operand.column)  # type: ignore[no-any-return]
    return catalog.get(operand.indicator).compute(candles, dict(operand.parameters), operand.of)[operand.output]


def _ago(values: Floats, candles: int) -> Floats:
    if not candles:
        return values
    shifted = np.full(len(values), np.nan)
    shifted[candles:] = values[:-candles] if candles < len(values) else shifted[candles:]
    return shifted
