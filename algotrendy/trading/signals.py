"""What a strategy says, and what that means for a position."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from .candles import Floats
from .values import Side

type Actions = npt.NDArray[np.int8]
"""What to do on every candle: 1 buy, -1 sell, 0 hold, -2 close a long, 2 close a short."""


class Action(StrEnum):
    """A buy closes a short and opens a long, a sell mirrors it; the last two only close."""

    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"
    CLOSE_LONG = "close_long"
    CLOSE_SHORT = "close_short"


CODES = {1: Action.BUY, -1: Action.SELL, 0: Action.HOLD, -2: Action.CLOSE_LONG, 2: Action.CLOSE_SHORT}
"""The actions by their numbers in columns; the sign is that of the trade."""


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

    `action` is int8, by CODES. `stop_loss` and `take_profit` are prices, NaN where there is none.
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
    the direction allows longs; a sell mirrors it; a signal in the held direction never adds to the position. The
    closing actions close what they name and open nothing.
    """
    if action is Action.HOLD:
        return None
    side = Side.BUY if action in (Action.BUY, Action.CLOSE_SHORT) else Side.SELL
    if action in (Action.CLOSE_LONG, Action.CLOSE_SHORT):
        return Move(side=side, closes=True, opens=False) if held == -side.sign else None
    if held == side.sign:
        return None
    allowed = Direction.LONG_ONLY if side is Side.BUY else Direction.SHORT_ONLY
    move = Move(side=side, closes=held == -side.sign, opens=direction in (allowed, Direction.BOTH))
    return move if move.closes or move.opens else None
