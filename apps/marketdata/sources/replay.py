"""Send stored candles as if they arrived now.

All replay feeds share one market clock, so that candles arrive in the order in which they closed, whatever the feed.
The time up to the close of the next candle passes at that candle's feed's speed, but a stretch before it opens (a
night, a weekend, a holiday) takes a second of waiting at most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime

from algotrendy.trading.candles import Bar
from algotrendy.trading.values import Timeframe
from apps.marketdata.models import Feed
from apps.marketdata.selectors import bars_after

from .base import Arrival

CLOSED_MARKET_SECONDS = 1.0
LONGEST_STEP = 1.0
"""Seconds that count at most between two looks at the clock: a machine that slept must not flood the trading."""
READ_AHEAD = 200
type Reader = Callable[[Feed, int], list[Bar]]


def stored_bars(feed: Feed, length: int) -> list[Bar]:
    """Return the next stored candles of the feed's origin."""
    return bars_after(
        instrument=feed.instrument,
        timeframe=feed.timeframe,
        source=feed.origin,
        position=feed.position,
        length=length,
    )


class ReplaySource:
    """Which candle of which feed is due, by the positions in the feeds' rows."""

    def __init__(self, read: Reader = stored_bars) -> None:
        self._read = read
        self._lines: dict[int, _Line] = {}
        self._market: datetime | None = None
        self._next: tuple[int, datetime] | None = None
        self._progress = 0.0
        self._looked_at: float | None = None

    def follow(self, feeds: Iterable[Feed]) -> None:
        known, self._lines = self._lines, {}
        for feed in feeds:
            line = known.get(feed.pk)
            if line is None or line.is_other(feed):
                line = _Line(feed)
            line.feed.speed = feed.speed
            line.fill(self._read)
            self._lines[feed.pk] = line

    def forget(self) -> None:
        self._lines = {}

    def due(self, now: float) -> Arrival | None:
        line = self._first()
        self._advance(now, line)
        return Arrival(line.feed, line.waiting[0]) if line is not None and self._progress >= 1 else None

    def sent(self, arrival: Arrival) -> None:
        """Go on to the next candle; what was waited too long counts for it."""
        line = self._lines.get(arrival.feed.pk)
        if line is None or not line.waiting or line.waiting[0] != arrival.bar:
            return
        surplus = max(0.0, self._progress - 1) * self._delay(line)
        self._market = arrival.bar.close_time
        line.waiting.popleft()
        line.feed.position = arrival.bar.open_time
        if not line.waiting:
            line.fill(self._read)
        following = self._first()
        self._next = _key(following)
        self._progress = surplus / self._delay(following) if following is not None else 0.0

    def seconds_left(self, now: float) -> float | None:
        line = self._first()
        if line is None:
            return None
        self._advance(now, line)
        return max(0.0, 1 - self._progress) * self._delay(line)

    def _first(self) -> _Line | None:
        """Return the line whose next candle closes first; the shorter candle, then the older feed, where they tie."""
        waiting = [line for line in self._lines.values() if line.waiting]
        return min(waiting, key=_Line.order, default=None)

    def _advance(self, now: float, line: _Line | None) -> None:
        step = 0.0 if self._looked_at is None else min(max(now - self._looked_at, 0.0), LONGEST_STEP)
        self._looked_at = now
        if _key(line) != self._next:
            # Another candle than at the last look: a feed was switched, or moved by hand.
            self._next, self._progress = _key(line), 0.0
        elif line is not None:
            self._progress += step / self._delay(line)

    def _delay(self, line: _Line) -> float:
        """Return the seconds from the candle before, on whatever feed, to this one."""
        bar = line.waiting[0]
        opens, closes = bar.open_time, bar.close_time
        if self._market is None or self._market > closes:
            # The first candle, or one of a feed that is behind the others: the clock is set to it.
            return (closes - opens).total_seconds() / line.feed.speed
        closed = max(0.0, (opens - self._market).total_seconds())
        open_for = (closes - max(opens, self._market)).total_seconds()
        return max(open_for / line.feed.speed + min(closed / line.feed.speed, CLOSED_MARKET_SECONDS), 1e-9)


class _Line:
    """A feed and its next candles."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.waiting: deque[Bar] = deque()

    def is_other(self, feed: Feed) -> bool:
        """Say whether the row tells of other candles than those that wait here."""
        ours, theirs = self.feed, feed
        return (ours.instrument_id, ours.timeframe, ours.source, ours.origin, ours.position) != (
            theirs.instrument_id,
            theirs.timeframe,
            theirs.source,
            theirs.origin,
            theirs.position,
        )

    def fill(self, read: Reader) -> None:
        if not self.waiting:
            self.waiting.extend(read(self.feed, READ_AHEAD))

    def order(self) -> tuple[datetime, float, int]:
        bar = self.waiting[0]
        return bar.close_time, Timeframe(bar.timeframe).duration.total_seconds(), self.feed.pk


def _key(line: _Line | None) -> tuple[int, datetime] | None:
    return None if line is None else (line.feed.pk, line.waiting[0].open_time)
