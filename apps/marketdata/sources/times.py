"""Read the times of a candle file: its format once, then each row, into UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UNIX, UNIX_MS = "unix", "unix_ms"
FORMATS = (
    "%d.%m.%Y %H:%M:%S.%f",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%Y.%m.%d %H:%M:%S",
    "%Y.%m.%d %H:%M",
    "%Y.%m.%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
)
"""Formats that can be told from each other; day/month/year against month/day/year must be named."""


class TimeRefused(ValueError):
    """A time cannot be read; the message says why and what to do."""


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone; raise TimeRefused."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeRefused(
            f"There is no time zone {name[:40]!r}; give one like UTC, Europe/Berlin or America/New_York."
        ) from None


class TimeReader:
    """Turns the time column of one file into UTC, row by row.

    A local time that a change from summer to winter time repeats is read as its first occurrence, and as its second
    when it comes again.
    """

    def __init__(self, zone: ZoneInfo, time_format: str | None) -> None:
        self._zone = zone
        self._format = time_format
        self._parse: Callable[[str], datetime] | None = None
        self._repeated: set[datetime] = set()

    def read(self, text: str) -> datetime:
        """Return the time in UTC; raise TimeRefused."""
        if self._parse is None:
            self._parse = self._parser(text)
        try:
            moment = self._parse(text)
        except (ValueError, OverflowError, OSError):
            expected = f" as {self._format}" if self._format else " as the rows above"
            raise TimeRefused(
                f"{text[:40]!r} cannot be read as a time{expected}; correct it or give --time-format"
            ) from None
        return moment.astimezone(UTC) if moment.tzinfo is not None else self._to_utc(moment)

    def _parser(self, text: str) -> Callable[[str], datetime]:
        """Return how to read all times, found on the first one where no format was given."""
        if self._format == UNIX:
            return lambda value: datetime.fromtimestamp(float(value), tz=UTC)
        if self._format == UNIX_MS:
            return lambda value: datetime.fromtimestamp(float(value) / 1000, tz=UTC)
        if self._format is not None:
            chosen = self._format
            return lambda value: datetime.strptime(value, chosen)  # noqa: DTZ007 - the zone is added in _to_utc
        if text.isascii() and text.isdigit() and len(text) in (10, 13):
            self._format = UNIX if len(text) == 10 else UNIX_MS
            return self._parser(text)
        if _fits(datetime.fromisoformat, text):
            return datetime.fromisoformat
        for known in FORMATS:
            if _fits(lambda value, known=known: datetime.strptime(value, known), text):  # type: ignore[misc] # noqa: DTZ007
                self._format = known
                return self._parser(text)
        raise TimeRefused(
            f"{text[:40]!r} is in no known form of time; give --time-format, such as '%m/%d/%Y %H:%M' or {UNIX}"
        )

    def _to_utc(self, local: datetime) -> datetime:
        first = local.replace(tzinfo=self._zone)
        second = first.replace(fold=1)
        if first.utcoffset() != second.utcoffset():
            if (second.utcoffset() or timedelta()) > (first.utcoffset() or timedelta()):
                raise TimeRefused(f"{local} does not exist in {self._zone.key}; is --time-zone right?")
            if local in self._repeated:
                return second.astimezone(UTC)
            self._repeated.add(local)
        return first.astimezone(UTC)


def _fits(parse: Callable[[str], datetime], text: str) -> bool:
    try:
        parse(text)
    except (ValueError, OverflowError):
        return False
    return True
