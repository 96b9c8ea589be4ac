"""The ledger of realized profit: which entry each closing closed, and what came of it after fees.

Two methods, of one instrument's fills in the order in which they were applied:

- first in, first out: a closing takes the oldest entries first, and is a row for each of them
- average cost: a closing is one row against the average of all entries, as `positions` keeps them

Values are unsigned and in the quote currency. Amounts are divided by quantity and rounded once; what the rounding
takes from one part it leaves to the rest, so that rows add up to what was paid, to the last digit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from .positions import PositionState
from .values import ZERO, PositionSide, Side, quantize


class LedgerMethod(StrEnum):
    FIFO = "fifo"
    AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class LedgerFill:
    """An execution: `quantity`, `value` and `fee` are unsigned (a fee below 0 is a rebate)."""

    at: datetime
    side: Side
    quantity: Decimal
    value: Decimal
    fee: Decimal


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A closed quantity. `fees` are its share of what entering and leaving cost; `net` is `gross` less them."""

    side: PositionSide
    quantity: Decimal
    entry_value: Decimal
    exit_value: Decimal
    fees: Decimal
    opened_at: datetime
    closed_at: datetime

    @property
    def gross(self) -> Decimal:
        gain = self.exit_value - self.entry_value
        return gain if self.side is PositionSide.LONG else -gain

    @property
    def net(self) -> Decimal:
        return self.gross - self.fees

    @property
    def holding(self) -> timedelta:
        return self.closed_at - self.opened_at

    def entry_price(self, contract_size: Decimal = Decimal(1)) -> Decimal:
        return quantize(self.entry_value / (self.quantity * contract_size))

    def exit_price(self, contract_size: Decimal = Decimal(1)) -> Decimal:
        return quantize(self.exit_value / (self.quantity * contract_size))


def ledger_entries(fills: Iterable[LedgerFill], method: LedgerMethod) -> Iterator[LedgerEntry]:
    """Yield what the fills closed, in their order."""
    return _by_lots(fills) if method is LedgerMethod.FIFO else _by_average(fills)


@dataclass(slots=True)
class _Lot:
    """An entry, or what is left of it."""

    at: datetime
    quantity: Decimal
    value: Decimal
    fee: Decimal

    def take(self, quantity: Decimal) -> _Lot:
        """Split off a quantity with its share of value and fee; all of it where that is all."""
        part = _Lot(
            self.at, quantity, _share(self.value, quantity, self.quantity), _share(self.fee, quantity, self.quantity)
        )
        self.quantity -= part.quantity
        self.value -= part.value
        self.fee -= part.fee
        return part


def _by_lots(fills: Iterable[LedgerFill]) -> Iterator[LedgerEntry]:
    lots: deque[_Lot] = deque()
    sign = 0
    for fill in fills:
        rest = _Lot(fill.at, fill.quantity, fill.value, fill.fee)
        while lots and sign == -fill.side.sign and rest.quantity:
            quantity = min(lots[0].quantity, rest.quantity)
            entry, left = lots[0].take(quantity), rest.take(quantity)
            yield _entry(sign, entry, left)
            if lots[0].quantity == 0:
                lots.popleft()
        if rest.quantity:
            lots.append(rest)
            sign = fill.side.sign


def _by_average(fills: Iterable[LedgerFill]) -> Iterator[LedgerEntry]:
    """Keep one lot, whose value is the position's cost; divide by the same rule as `positions`."""
    state, held = PositionState(), _Lot(datetime.min.replace(tzinfo=UTC), ZERO, ZERO, ZERO)
    for fill in fills:
        applied = state.apply(fill.side, fill.quantity, fill.value)
        rest = _Lot(fill.at, fill.quantity, fill.value, fill.fee)
        if applied.closed:
            entry, left = held.take(applied.closed), rest.take(applied.closed)
            yield _entry(state.sign, entry, left)
        if applied.opened:
            opened_at = held.at if held.quantity else fill.at
            held = _Lot(opened_at, held.quantity + rest.quantity, held.value + rest.value, held.fee + rest.fee)
        state = applied.after


def _entry(sign: int, entry: _Lot, left: _Lot) -> LedgerEntry:
    side = PositionSide.LONG if sign > 0 else PositionSide.SHORT
    return LedgerEntry(side, entry.quantity, entry.value, left.value, entry.fee + left.fee, entry.at, left.at)


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    return amount if part == whole else quantize(amount * part / whole)
