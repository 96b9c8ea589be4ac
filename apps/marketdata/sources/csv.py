"""Candles from a file of comma-separated values, each line checked before any of them is kept."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import InvalidCandle, TradingError
from algotrendy.trading.values import Timeframe

COLUMNS = ("time", "open", "high", "low", "close", "volume")
NAMES = {"time": ("time", "date", "datetime", "timestamp", "open_time", "open time")}
"""Headers that are understood without being told; the other columns are called what they are."""
MAX_PROBLEMS = 10


class UnusableFile(TradingError):
    """The file holds faults; `problems` has a line for each, the message the first few of them."""

    code = "unusable_file"

    def __init__(self, path: Path, problems: list[str]) -> None:
        shown = problems[:MAX_PROBLEMS]
        more = len(problems) - len(shown)
        tail = [f"and {more} more"] if more > 0 else []
        super().__init__(f"{path}: " + "; ".join([*shown, *tail]) + ". Nothing was imported.")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written. `columns` maps our names to the file's where they differ; `time_format` is strptime's.

    Without a time format ISO 8601 and Unix seconds or milliseconds are understood. Times without a zone are in
    `time_zone`.
    """

    columns: dict[str, str] = field(default_factory=dict)
    time_format: str | None = None
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without candles: the close of the last one before, and the open of the first one after."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start


def read_bars(path: Path, *, symbol: str, timeframe: Timeframe, layout: Layout) -> list[Bar]:
    """Return the file's candles, oldest first; raise UnusableFile that names every bad line."""
    bars: list[Bar] = []
    problems: list[str] = []
    lines: dict[datetime, int] = {}
    for number, row in _rows(path, layout):
        try:
            bar = _bar(row, symbol, timeframe, layout)
            bar.validate()
            if bar.open_time in lines:
                raise InvalidCandle(f"repeats the time of line {lines[bar.open_time]}, {bar.open_time:%Y-%m-%d %H:%M}")
        except InvalidCandle as error:
            problems.append(f"line {number}: {error.message}")
            continue
        lines[bar.open_time] = number
        bars.append(bar)
    if not bars and not problems:
        problems.append("it holds no candle")
    if problems:
        raise UnusableFile(path, problems)
    return sorted(bars, key=lambda bar: bar.open_time)


def find_gaps(bars: list[Bar]) -> list[Gap]:
    """Return the stretches between the candles in which there is none; closed markets are among them."""
    return [
        Gap(earlier.close_time, later.open_time)
        for earlier, later in pairwise(bars)
        if later.open_time > earlier.close_time
    ]


def _rows(path: Path, layout: Layout) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each line's number and its values under our names."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            header = next(reader, None)
            if header is None:
                raise UnusableFile(path, ["it is empty"])
            places = _places(path, header, layout)
            for values in reader:
                if any(value.strip() for value in values):
                    yield reader.line_num, {n: values[i].strip() if i < len(values) else "" for n, i in places.items()}
    except UnicodeDecodeError as error:
        raise UnusableFile(path, [f"it is not text in UTF-8 (byte {error.start})"]) from error
    except csv.Error as error:
        raise UnusableFile(path, [f"it is no CSV file: {error}"]) from error
    except OSError as error:
        raise UnusableFile(path, [f"it cannot be read: {error.strerror}"]) from error


def _places(path: Path, header: list[str], layout: Layout) -> dict[str, int]:
    known = {name.strip().lower(): index for index, name in enumerate(header)}
    places, missing = {}, []
    for name in COLUMNS:
        candidates = [layout.columns[name]] if name in layout.columns else [*NAMES.get(name, ()), name]
        found = next((known[c.lower()] for c in candidates if c.lower() in known), None)
        if found is None:
            missing.append(candidates[-1])
        else:
            places[name] = found
    if missing:
        raise UnusableFile(
            path, [f"there is no column {', '.join(missing)} among {', '.join(header)}; name it with --columns"]
        )
    return places


def _bar(row: dict[str, str], symbol: str, timeframe: Timeframe, layout: Layout) -> Bar:
    numbers = [_number(name, row[name]) for name in COLUMNS[1:]]
    return Bar(symbol, timeframe, _time(row["time"], layout), *numbers)


def _number(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise InvalidCandle(f"{name} {text!r} is no number") from None


def _time(text: str, layout: Layout) -> datetime:
    try:
        if layout.time_format:
            moment = datetime.strptime(text, layout.time_format)  # noqa: DTZ007 - the zone is given below
        elif text.isdigit():
            stamp = int(text)
            return datetime.fromtimestamp(stamp / 1000 if stamp > 10**11 else stamp, tz=UTC)
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        form = layout.time_format or "ISO 8601 or Unix seconds"
        raise InvalidCandle(f"time {text!r} is not {form}; tell its form with --time-format") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(layout.time_zone))
    return moment.astimezone(UTC)
