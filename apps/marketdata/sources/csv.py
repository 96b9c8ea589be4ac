"""Candle files: a header, then a candle a line, with any of the usual delimiters, column names and time formats."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import InvalidCandle

from .base import FileRefused
from .files import FIELDS, CandleFile, column_places
from .times import TimeReader, TimeRefused

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class CsvSource(CandleFile):
    """One candle file of text."""

    def read(self) -> list[Bar]:
        """Return the candles, oldest first; raise FileRefused that names line, cause and remedy."""
        lines = self._lines()
        header, delimiter = self._header(lines[0])
        places = column_places(self.path.name, header, self.columns)
        rows = list(self._rows(lines, delimiter))
        if not rows:
            raise FileRefused([f"{self.path.name} has a header but no candles."])
        if len(rows) > 1 and self._runs_backwards(rows, places["time"]):
            rows.reverse()
        return self._bars(rows, places, len(header))

    def _lines(self) -> list[str]:
        try:
            text = self.path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise FileRefused([f"There is no file {self.path}; check the path."]) from None
        except UnicodeDecodeError:
            raise FileRefused([f"{self.path.name} is not text in UTF-8; unpack or convert it first."]) from None
        except OSError as error:
            raise FileRefused([f"{self.path} cannot be read: {error.strerror}."]) from None
        lines = text.splitlines()
        if not any(line.strip() for line in lines):
            raise FileRefused([f"{self.path.name} is empty; it needs a header line and a candle a line."])
        return lines

    def _header(self, line: str) -> tuple[list[str], str]:
        delimiter = max(",;\t|", key=line.count)
        return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])], delimiter

    def _rows(self, lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(lines[1:], delimiter=delimiter)
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield reader.line_num + 1, row
        except csv.Error as error:
            raise FileRefused([f"{self.path.name} line {reader.line_num + 1}: {error}."]) from None

    def _runs_backwards(self, rows: list[tuple[int, list[str]]], place: int) -> bool:
        """Say whether the newest candle comes first, which is no error."""
        times = self.time_reader()
        try:
            return times.read(rows[0][1][place].strip()) > times.read(rows[-1][1][place].strip())
        except (TimeRefused, IndexError):
            return False  # The row itself is refused later, with its line.

    def _bars(self, rows: list[tuple[int, list[str]]], places: dict[str, int], width: int) -> list[Bar]:
        times, seen = self.time_reader(), dict[datetime, int]()
        found, errors = [], []
        for count, (line, row) in enumerate(rows, start=1):
            try:
                bar = self._bar(row, places, width, times)
                if bar.open_time in seen:
                    raise InvalidCandle(f"{bar.open_time:%Y-%m-%d %H:%M} UTC is on line {seen[bar.open_time]} already")
                seen[bar.open_time] = line
                found.append(bar)
            except (InvalidCandle, TimeRefused, ValueError) as error:
                errors.append((line, _remedy(error)))
            if self.progress is not None and (count % 500 == 0 or count == len(rows)):
                self.progress(count % 500 or 500)
        if errors:
            raise FileRefused(self.told("line", errors))
        return sorted(found, key=lambda bar: bar.open_time)

    def _bar(self, row: list[str], places: dict[str, int], width: int, times: TimeReader) -> Bar:
        if len(row) != width:
            raise ValueError(f"{len(row)} fields instead of the header's {width}; complete the line or remove it")
        numbers = [
            _number(name, row[places[name]].strip()) if name in places else Decimal(0)
            for name in FIELDS
            if name != "time"
        ]
        bar = Bar(self.symbol, self.timeframe, times.read(row[places["time"]].strip()), *numbers)
        bar.validate()
        return bar


def _number(name: str, text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        hint = "; write decimals with a point and no thousands separators" if "," in text else "; correct it"
        raise ValueError(f"{name} {text[:40]!r} is not a number{hint}")
    return Decimal(text)


def _remedy(error: Exception) -> str:
    """Return the cause, with what to do where the cause alone does not say it."""
    text = str(error)
    if "wrong time zone" in text:
        return f"{text.replace(' (wrong time zone?)', '')}; give the file's zone with --time-zone, or check --timeframe"
    return f"{text}; correct the line or remove it" if isinstance(error, InvalidCandle) else text
