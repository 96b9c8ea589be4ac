"""What a rule's answer must be, whoever wrote the rule: the one place that holds it against the contract.

Rules are asked through here, live and in backtests. They see candles that cannot be written to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from algotrendy.trading.candles import Candles, Floats
from algotrendy.trading.errors import InvalidSignals
from algotrendy.trading.signals import Actions, SignalColumns

if TYPE_CHECKING:
    from algotrendy.trading.strategies.base import Strategy

STRONGEST = 2
"""Actions are whole numbers from -STRONGEST to STRONGEST; 1 and -1 trade with levels, 0 holds."""
_NUMBERS = ("confidence", "stop_loss", "take_profit")


def ask(strategy: Strategy, candles: Candles) -> SignalColumns:
    """Return the rule's signals on the candles; raise InvalidSignals where they break the contract."""
    return check_signals(strategy, strategy.signals(candles.read_only()), candles)


def ask_actions(strategy: Strategy, candles: Candles) -> Actions:
    """Return the rule's actions alone; raise InvalidSignals where they break the contract."""
    return check_actions(strategy, strategy.actions(candles.read_only()), candles)


def check_signals(strategy: Strategy, said: object, candles: Candles) -> SignalColumns:
    """Return what the rule said where it may be traded; raise InvalidSignals that names rule, column and candle."""
    columns = check_shape(strategy, said, candles)
    check_actions(strategy, columns.action, candles)
    sure = columns.confidence
    if len(sure) and not (sure.min() >= 0 and sure.max() <= 1):  # not a number is neither
        row = int(np.flatnonzero(~((sure >= 0) & (sure <= 1)))[0])
        value = "NaN" if np.isnan(sure[row]) else f"{sure[row]:g}"
        raise _broken(strategy, f"{value} confidence, which is not between 0 and 1,", candles, row)
    rows = np.flatnonzero(np.abs(columns.action) == 1)
    _check_side(strategy, "stop loss", columns.stop_loss[rows], rows, -columns.action[rows], candles)
    _check_side(strategy, "take profit", columns.take_profit[rows], rows, columns.action[rows], candles)
    return columns


def check_shape(strategy: Strategy, said: object, candles: Candles) -> SignalColumns:
    """Return what the rule said where it is columns of the candles' length and of the right types."""
    if not isinstance(said, SignalColumns):
        raise InvalidSignals(f"The rule {strategy.name} returned {type(said).__name__}, not SignalColumns.")
    _check_column(strategy, "action", said.action, np.dtype(np.int8), candles)
    for name in _NUMBERS:
        _check_column(strategy, name, getattr(said, name), np.dtype(np.float64), candles)
    return said


def check_actions(strategy: Strategy, said: object, candles: Candles) -> Actions:
    """Return the actions where each is known and none falls into the warm-up."""
    action: Actions = _check_column(strategy, "action", said, np.dtype(np.int8), candles)
    if len(action) and (action.max() > STRONGEST or action.min() < -STRONGEST):
        row = int(np.flatnonzero((action > STRONGEST) | (action < -STRONGEST))[0])
        raise _broken(strategy, f"the unknown action {action[row]}", candles, row)
    early = np.flatnonzero(action[: strategy.warm_up])
    if len(early):
        need = f"a signal within its warm-up of {strategy.warm_up}"
        raise _broken(strategy, need, candles, int(early[0]))
    return action


def _check_column[T: np.generic](
    strategy: Strategy, name: str, column: object, kind: np.dtype[T], candles: Candles
) -> np.ndarray[tuple[int], np.dtype[T]]:
    who = f"The rule {strategy.name} returned"
    if not isinstance(column, np.ndarray):
        raise InvalidSignals(f"{who} {type(column).__name__} as {name}, not an array of {kind}.")
    if column.shape != (len(candles),):
        shape = " x ".join(map(str, column.shape)) or "no"
        raise InvalidSignals(f"{who} {shape} values as {name} for {len(candles)} candles.")
    if column.dtype != kind:
        raise InvalidSignals(f"{who} an array of {column.dtype} as {name}, not of {kind}.")
    return column


def _check_side(
    strategy: Strategy, name: str, levels: Floats, rows: np.ndarray, sides: Actions, candles: Candles
) -> None:
    """Refuse levels on the wrong side of the close: `sides` is 1 where a level belongs above it, -1 below."""
    wrong = ((levels - candles.close[rows]) * sides <= 0) | (levels <= 0) | np.isinf(levels)
    if not wrong.any():
        return
    first = int(wrong.argmax())
    row, level = int(rows[first]), levels[first]
    where = "below" if sides[first] < 0 else "above"
    text = f"the {name} {level:g}, which is not {where} the close {candles.close[row]:g},"
    raise _broken(strategy, text, candles, row)


def _broken(strategy: Strategy, what: str, candles: Candles, row: int) -> InvalidSignals:
    return InvalidSignals(
        f"The rule {strategy.name} returned {what} on candle {candles.open_time_at(row):%Y-%m-%d %H:%M}."
    )
