"""Which bars are missing between others, and which of these gaps are the market's weekly rhythm."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from algotrendy.trading.backtest.metrics import Market
from algotrendy.trading.candles import Times

WEEK = 7 * 86_400
REGULAR_SHARE = 0.25
"""A gap of the same place in the week that comes in this share of the weeks is a rest, not a loss."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """Gaps that are no regular rests: how many, how many bars in all and in the largest, and after which open time."""

    count: int
    missing: int
    largest: int
    largest_after: int
    regular: int


def gaps_of(time: Times, seconds: int, market: Market) -> Gaps:
    """Return the gaps between bars of so many seconds; where the market never rests, every gap is one."""
    steps = np.diff(time)
    at = np.flatnonzero(steps > seconds)
    missing = steps[at] // seconds - 1
    is_regular = np.zeros(len(at), dtype=bool)
    if market is Market.SESSIONS and len(at):
        weeks = (int(time[-1]) - int(time[0])) / WEEK
        # A clock change shifts a rest by an hour: places in the week are taken as four-hour blocks.
        places = [
            (int(begin % WEEK // 14_400), int(length // 14_400))
            for begin, length in zip(time[at], steps[at], strict=True)
        ]
        often = Counter(places)
        is_regular = np.array([often[place] >= max(2.0, REGULAR_SHARE * weeks) for place in places])
    kept = missing[~is_regular]
    if not len(kept):
        return Gaps(0, 0, 0, 0, int(is_regular.sum()))
    largest = int(kept.argmax())
    after = int(time[at[~is_regular][largest]])
    return Gaps(len(kept), int(kept.sum()), int(kept[largest]), after, int(is_regular.sum()))
