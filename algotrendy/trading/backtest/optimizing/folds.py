"""How a period is cut for a walk-forward: what is chosen on, and what is traded after it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from algotrendy.trading.backtest.optimizing.space import InvalidSpace
from algotrendy.trading.candles import Times

MOST_FOLDS = 200


class Walk(StrEnum):
    ROLLING = "rolling"
    """Each choice is made on a stretch of one length."""
    ANCHORED = "anchored"
    """Each choice is made on all that was before."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A choice on candles that open in [begin, middle), traded on those in [middle, end); Unix seconds."""

    number: int
    begin: int
    middle: int
    end: int


def folds_of(time: Times, step: int, *, walk: Walk, choose: int, trade: int) -> list[Fold]:
    """Return the folds of a series: `choose` candles to choose on, `trade` candles to trade, and on by `trade`.

    `time` are the open times of the candles, `step` a candle's seconds. A last stretch shorter than half of `trade`
    is left out. Raises InvalidSpace where there is not even one.
    """
    if choose < 2 or trade < 1:
        raise InvalidSpace("Choose on at least 2 candles, and trade at least 1.")
    found: list[Fold] = []
    last = int(time[-1]) + step if len(time) else 0
    for middle in range(choose, len(time), trade):
        end = min(middle + trade, len(time))
        if end - middle < trade and found and end - middle < trade / 2:
            break
        begin = 0 if walk is Walk.ANCHORED else middle - choose
        until = int(time[end]) if end < len(time) else last
        found.append(Fold(len(found), int(time[begin]), int(time[middle]), until))
    if not found:
        raise InvalidSpace(f"{len(time):,} candles are too few to choose on {choose:,} and trade what follows.")
    if len(found) > MOST_FOLDS:
        raise InvalidSpace(f"That makes {len(found)} folds, more than {MOST_FOLDS}; trade longer stretches.")
    return found
