"""How far each trade went against and for itself before it ended; compiled."""

from __future__ import annotations

import numpy as np

from algotrendy.trading.backtest.compiling import compiled
from algotrendy.trading.backtest.layout import AT_OPEN
from algotrendy.trading.backtest.results import Integers, Result
from algotrendy.trading.candles import Floats


def excursions(result: Result) -> tuple[Floats, Floats]:
    """Return each trade's MAE and MFE: the worst and the best move from the entry price, as shares of it.

    The worst is at most 0, the best at least 0. A bar counts with its range while the position was held all through
    it; the bar of an entry inside it with its close, the bar of the exit with the exit's price.
    """
    trades = result.trades
    worst, best = np.zeros(len(trades)), np.zeros(len(trades))
    for number, book in enumerate(result.books):
        mine = np.flatnonzero(trades.book == number)
        high, low, close = (np.ascontiguousarray(c) for c in (book.candles.high, book.candles.low, book.candles.close))
        _excursions(
            mine, trades.side, trades.entry_bar, trades.exit_bar, trades.entry_price, trades.exit_price,
            trades.entry_moment, trades.exit_moment, high, low, close, worst, best,
        )  # fmt: skip
    return worst, best


@compiled
def _excursions(
    chosen: Integers, side: Integers, entry_bar: Integers, exit_bar: Integers, entry_price: Floats, exit_price: Floats,
    entry_moment: Integers, exit_moment: Integers, high: Floats, low: Floats, close: Floats,
    worst: Floats, best: Floats,
) -> None:  # fmt: skip
    for trade in chosen:
        lowest = highest = entry_price[trade]
        lowest, highest = min(lowest, exit_price[trade]), max(highest, exit_price[trade])
        for bar in range(entry_bar[trade], exit_bar[trade]):
            if bar == entry_bar[trade] and entry_moment[trade] != AT_OPEN:
                lowest, highest = min(lowest, close[bar]), max(highest, close[bar])
            else:
                lowest, highest = min(lowest, low[bar]), max(highest, high[bar])
        down, up = lowest / entry_price[trade] - 1, highest / entry_price[trade] - 1
        worst[trade] = down if side[trade] > 0 else -up
        best[trade] = up if side[trade] > 0 else -down
