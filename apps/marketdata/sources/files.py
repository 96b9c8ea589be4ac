"""What candle files of all kinds have in common: their options, their columns, and how their faults are told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from algotrendy.trading.values import Timeframe

from .base import FileRefused
from .times import TimeReader, TimeRefused, zone_of

FIELDS = ("time", "open", "high", "low", "close", "volume")
NO_COLUMN = "none"
MOST_ERRORS = 10
_NAMES = {
    "time": {"time", "date", "datetime", "timestamp", "opentime", "gmttime", "utctime", "t"},
    "open": {"open", "o", "openprice"},
    "high": {"high", "h", "highprice"},
    "low": {"low", "l", "lowprice"},
    "close": {"close", "c", "closeprice"},
    "volume": {"volume", "vol", "v", "tickvol", "tickvolume"},
}


@dataclass(frozen=True)
class CandleFile:
    """One candle file. `columns` names the file's columns by field where they are not the usual ones.

    Times without an offset are in `time_zone`.
    """

    path: Path
    symbol: str
    timeframe: Timeframe
    time_zone: str = "UTC"
    time_format: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    progress: Callable[[int], None] | None = None
    """Is told how many rows were read since it was last told."""

    def time_reader(self) -> TimeReader:
        """Return what reads the file's times; raise FileRefused where zone or format are none."""
        try:
            return TimeReader(zone_of(self.time_zone), self.time_format)
        except TimeRefused as error:
            raise FileRefused([str(error)]) from None

    def told(self, unit: str, errors: Iterable[tuple[int, str]]) -> list[str]:
        """Return the first faults, each a line's or row's number and its cause, as sentences."""
        known = sorted(errors)
        told = [f"{self.path.name} {unit} {number}: {cause}." for number, cause in known[:MOST_ERRORS]]
        if len(known) > MOST_ERRORS:
            told.append(f"{self.path.name}: {len(known) - MOST_ERRORS} more {unit}s are wrong.")
        return told


def column_places(file: str, header: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Return the index of each field's column; raise FileRefused that names what is missing."""
    unknown = sorted(set(columns) - set(FIELDS))
    if unknown:
        raise FileRefused([f"--columns knows no {', '.join(unknown)}; it knows {', '.join(FIELDS)}."])
    places, missing = {}, []
    for name in FIELDS:
        given = columns.get(name)
        if name == "volume" and given == NO_COLUMN:
            continue
        found = [
            index
            for index, column in enumerate(header)
            if (column == given if given is not None else re.sub(r"[^a-z]", "", column.lower()) in _NAMES[name])
        ]
        if found:
            places[name] = found[0]
        else:
            missing.append(name)
    if missing:
        raise FileRefused([_missing(file, missing, header)])
    return places


def _missing(name: str, missing: list[str], header: list[str]) -> str:
    example = ",".join(f"{name}=..." for name in missing)
    hint = f" (volume={NO_COLUMN} where there is none)" if "volume" in missing else ""
    shown = ", ".join(header)[:200]
    return f"{name} has no column for {', '.join(missing)}; it has {shown}: name them with --columns {example}{hint}."
