"""Parquet files: columns by name, times of any Parquet kind, decimals exactly as they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from algotrendy.trading.candles import Bar
from algotrendy.trading.errors import InvalidCandle

from .base import FileRefused
from .files import FIELDS, NO_COLUMN, CandleFile, column_places
from .times import TimeReader, TimeRefused


@dataclass(frozen=True)
class ParquetSource(CandleFile):
    """One candle file of columns."""

    def read(self) -> list[Bar]:
        """Return the candles, oldest first; raise FileRefused that names row, cause and remedy."""
        table = self._table()
        places = column_places(self.path.name, table.column_names, self.columns)
        values = {name: table.column(index).to_pylist() for name, index in places.items()}
        found, errors, seen = [], [], dict[datetime, int]()
        times = self.time_reader()
        for number in range(len(table)):
            try:
                bar = self._bar({name: column[number] for name, column in values.items()}, times)
                if bar.open_time in seen:
                    raise InvalidCandle(f"{bar.open_time:%Y-%m-%d %H:%M} UTC is in row {seen[bar.open_time]} already")
                seen[bar.open_time] = number + 1
                found.append(bar)
            except (InvalidCandle, TimeRefused, ValueError, ArithmeticError) as error:
                errors.append((number + 1, f"{error}; correct the row or remove it"))
        if self.progress is not None:
            self.progress(len(table))
        if errors:
            raise FileRefused(self.told("row", errors))
        if not found:
            raise FileRefused([f"{self.path.name} has columns but no candles."])
        return sorted(found, key=lambda bar: bar.open_time)

    def _table(self) -> pa.Table:
        try:
            return parquet.read_table(self.path)
        except FileNotFoundError:
            raise FileRefused([f"There is no file {self.path}; check the path."]) from None
        except (pa.ArrowInvalid, OSError) as error:
            raise FileRefused([f"{self.path.name} cannot be read as Parquet: {str(error)[:200]}."]) from None

    def _bar(self, row: Mapping[str, Any], times: TimeReader) -> Bar:
        figures = [_number(name, row[name]) if name in row else Decimal(0) for name in FIELDS if name != "time"]
        bar = Bar(self.symbol, self.timeframe, times.read(_text(row["time"])), *figures)
        bar.validate()
        return bar


def _text(time: object) -> str:
    if time is None:
        raise ValueError("the time is missing")
    return time.isoformat(sep=" ") if isinstance(time, datetime) else str(time)


def _number(name: str, value: object) -> Decimal:
    if value is None:
        raise ValueError(f"{name} is missing; give volume={NO_COLUMN} with --columns where there is none")
    return value if isinstance(value, Decimal) else Decimal(repr(value))
