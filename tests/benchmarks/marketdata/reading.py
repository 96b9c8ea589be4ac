"""Reading a whole history into columns, beside the rows of Django's ORM."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from apps.marketdata.models import Candle
from apps.marketdata.selectors import candles_between, candles_window
from apps.marketdata.services.loading import candles_load
from tests.benchmarks.results import Result, Target

from .series import SOURCE, TIMEFRAME, candles, emptied, instrument, settled

TARGET = 1.0


def run(options: argparse.Namespace) -> Result:
    found = instrument()
    emptied()
    candles_load(instrument=found, timeframe=TIMEFRAME, source=SOURCE, table=candles(options.rows))
    settled()
    series: dict[str, Any] = {"instrument": found, "timeframe": TIMEFRAME, "source": SOURCE}
    ways: dict[str, Callable[[], object]] = {
        "rows of the ORM": lambda: _by_rows(series),
        "candles_between": lambda: candles_between(**series, start=None, end=None, before=0),
        "candles_window": lambda: candles_window(**series, until=None, length=options.rows),
        "candles_window of 500": lambda: candles_window(**series, until=None, length=500),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, read in ways.items():
            begin = time.perf_counter()
            read()
            seconds[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rows = [[name, f"{median * 1000:,.1f} ms"] for name, median in medians.items()]
    target = Target(f"seconds for {options.rows:,} candles", medians["candles_between"], TARGET)
    return Result(f"Reading {options.rows:,} candles into columns", ["way", "time"], rows, [target])


def _by_rows(series: dict[str, Any]) -> object:
    rows = Candle.objects.filter(**series).order_by("open_time")
    fetched = rows.values_list("open_time", "open", "high", "low", "close", "volume")
    return np.array([(time.timestamp(), *map(float, figures)) for time, *figures in fetched.iterator(chunk_size=5000)])
