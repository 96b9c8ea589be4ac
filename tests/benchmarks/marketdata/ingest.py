"""Storing a history, beside a bare COPY of the same text into a table without anything."""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable

import pyarrow as pa
from django.db import connection
from pyarrow import csv

from apps.marketdata.services.loading import candles_load
from tests.benchmarks.results import Result, Target

from .series import SOURCE, TIMEFRAME, candles, emptied, instrument

TARGET = 150_000


def run(options: argparse.Namespace) -> Result:
    table = candles(options.rows)
    found = instrument()

    def load() -> None:
        candles_load(instrument=found, timeframe=TIMEFRAME, source=SOURCE, table=table)

    ways: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
        "bare COPY": (_bare_made, lambda: _bare_copy(table)),
        "candles_load, nothing stored": (emptied, load),
        "candles_load, all stored": (lambda: None, load),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, (prepare, work) in ways.items():
            prepare()
            begin = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - begin)
    rates = {name: options.rows / statistics.median(values) for name, values in seconds.items()}
    rows = [[name, f"{rate:,.0f}", f"{rates['bare COPY'] / rate:.2f}"] for name, rate in rates.items()]
    return Result(
        f"Storing {options.rows:,} candles",
        ["way", "candles a second", "x bare COPY"],
        rows,
        [Target("candles stored a second", rates["candles_load, nothing stored"], TARGET, at_least=True)],
    )


def _bare_made() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_bare")
        cursor.execute("CREATE TABLE bench_bare (t timestamptz, o numeric, h numeric, l numeric, c numeric, v numeric)")


def _bare_copy(table: pa.Table) -> None:
    text = io.BytesIO()
    csv.write_csv(table, text, csv.WriteOptions(include_header=False))
    with connection.cursor() as cursor, cursor.copy("COPY bench_bare FROM STDIN (FORMAT csv)") as copy:
        copy.write(text.getbuffer())
