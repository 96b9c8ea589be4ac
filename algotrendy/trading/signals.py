"""What a strategy says, and what that means for a position."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from .candles import Floats
from .values import Side

type Actions = npt.NDArray[np.int8]
"""What to do on every candle: 1 buy, -1 sell, 0 hold."""


class Action(StrEnum):
    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Signal:
    """A strategy's word on the newest candle. Prices are in the quote currency; `confidence` is 0 to 1."""

    action: Action
    confidence: float
    price: float
    reason: str
    stop_loss: float | None = None
    take_profit: float | None = None


@dataclass(frozen=True, slots=True)
class SignalColumns:
    """A strategy's word on every candle, as columns of the candles' length.

    `action` is int8: 1 buy, -1 sell, 0 hold. `stop_loss` and `take_profit` are prices, NaN where there is none.
    Rows before the warm-up hold with confidence 0.
    """

    action: Actions
    confidence: Floats
    stop_loss: Floats
    take_profit: Floats


class Direction(StrEnum):
    """Which side of the market a configured strategy may hold."""

    LONG_ONLY = "long_only"
    SHORT_ONLY = "short_only"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Move:
    """What to trade to follow a signal: close what is held, open on `side`, or both (a flip)."""

    side: Side
    closes: bool
    opens: bool


def follow(action: Action, held: int, direction: Direction) -> Move | None:
    """Return the move that a signal asks of a position, or None where it changes nothing.

    `held` is the sign of the held quantity: 1 long, -1 short, 0 flat. A buy closes a short and opens a long where
    the direction allows longs; a sell mirrors it; a signal in the held direction never adds to the position.
    """
    if action is Action.HOLD:
        return None
    side = Side.BUY if action is Action.BUY else Side.SELL
    if held == side.sign:
        return None
    allowed = Direction.LONG_ONLY if side is Side.BUY else Direction.SHORT_ONLY
    move = Move(side=side, closes=held == -side.sign, opens=direction in (allowed, Direction.BOTH))
    return move if move.closes or move.opens else None
