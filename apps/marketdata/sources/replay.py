"""Stored candles sent again as if they arrived now: several feeds on one market clock.

The clock runs `speed` times as fast as ours and skips the stretches in which no feed has a candle, so that nights and
weekends pass in a moment. What was sent is kept with the candle itself, so a replay goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from algotrendy.trading.candles import Bar
from apps.marketdata.models import Feed
from apps.marketdata.selectors import bars_after

LONGEST_WAIT = 1.0
"""Seconds that a stretch without candles takes at most."""


@dataclass(frozen=True, slots=True)
class Due:
    """A candle that a feed sends next, `wait` seconds after the one before."""

    feed: Feed
    bar: Bar
    wait: float


class ReplayClock:
    """Decides which candle of which feed is sent next, and when."""

    def __init__(self) -> None:
        self.now: datetime | None = None
        """Market time: the close of the last candle that was sent."""

    def next(self, feeds: Iterable[Feed]) -> Due | None:
        """Return the candle that closes first among the feeds' next ones; None where all have sent everything."""
        waiting = [(bar, feed) for feed in feeds if (bar := _next_bar(feed)) is not None]
        if not waiting:
            return None
        bar, feed = min(waiting, key=lambda pair: (pair[0].close_time, pair[0].symbol, pair[0].timeframe))
        elapsed = 0.0 if self.now is None else (bar.close_time - self.now).total_seconds()
        usual = bar.timeframe.duration.total_seconds()
        wait = max(elapsed, 0.0) / feed.speed
        # A longer pause than the candle's own length is a closed market, which nobody wants to sit through.
        return Due(feed, bar, min(wait, max(usual / feed.speed, LONGEST_WAIT)) if elapsed > usual else wait)

    def sent(self, bar: Bar) -> None:
        """Move the clock to the close of a candle that was sent."""
        self.now = bar.close_time


def _next_bar(feed: Feed) -> Bar | None:
    found = bars_after(
        instrument=feed.instrument, timeframe=feed.timeframe, source=feed.origin, position=feed.position, length=1
    )
    return found[0] if found else None
