"""What a source of candles is to the rest of the platform."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import TradingError
from apps.marketdata.models import Feed


class FileRefused(TradingError):
    """A candle file cannot be taken; `lines` says what is wrong and what to do, a sentence each."""

    code = "invalid_candle_file"

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)


class FileSource(Protocol):
    """A file that holds finished candles."""

    def read(self) -> list[Bar]:
        """Return all candles of the file, oldest first; raise FileRefused, never return a part."""
        ...


@dataclass(frozen=True, slots=True)
class Arrival:
    """A finished candle that is due on a feed."""

    feed: Feed
    bar: Bar


class FeedSource(Protocol):
    """A source whose candles arrive as time goes by. Seconds are those of a monotonic clock."""

    def follow(self, feeds: Iterable[Feed]) -> None:
        """Take over which feeds are enabled, how fast they are and how far they have come."""
        ...

    def due(self, now: float) -> Arrival | None:
        """Return the candle that is due, and the same one until `sent` is called."""
        ...

    def sent(self, arrival: Arrival) -> None:
        """Go on to the candle after this one."""
        ...

    def seconds_left(self, now: float) -> float | None:
        """Return how long it is until a candle is due, None while nothing is to come."""
        ...

    def forget(self) -> None:
        """Drop what is known of the feeds; `follow` reads it again."""
        ...
