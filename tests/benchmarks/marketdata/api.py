"""500 candles by the API while more and more are stored; the cache is off, so that every answer is read."""

from __future__ import annotations

import argparse
import http.client
import statistics
import time
from datetime import timedelta
from urllib.parse import quote

from django.db import connection

from apps.marketdata.services.partitions import partitions_ensure
from tests.benchmarks.results import Result, Target
from tests.benchmarks.servers import Served, served

from .series import SOURCE, START, TIMEFRAME, emptied, instrument, settled

TARGET = 1.3
STAGES = (10_000, 1_000_000, 10_000_000)
REQUESTS = 200
CONTROL = "/api/market-data/instruments/BENCH%2FUSD"
FORMATS = {
    "rows": "&format=rows",
    "columns": "&format=columns",
    "rows from a start": "&format=rows&start=2005-01-05T00:00:00Z",
}


def run(options: argparse.Namespace) -> Result:
    instrument()
    emptied()
    stages = [stage for stage in STAGES if stage <= options.most]
    medians: dict[tuple[int, str], float] = {}
    rows, stored = [], 0
    with served(MARKETDATA_CACHE="false") as server:
        for stage in stages:
            _fill(stored, stage)
            stored = stage
            for name, values in _measured(server, options.rounds).items():
                medians[stage, name] = statistics.median(values)
                p95 = statistics.quantiles(values, n=20)[-1]
                growth = medians[stage, name] / medians[stages[0], name]
                rows.append([f"{stage:,}", name, f"{medians[stage, name]:.2f} ms", f"{p95:.2f} ms", f"{growth:.2f}"])
    ratio = max(medians[stages[-1], name] / medians[stages[0], name] for name in FORMATS)
    target = Target(f"x the time from {stages[0]:,} to {stages[-1]:,} stored candles", ratio, TARGET)
    return Result(
        "500 candles by API, cache off", ["stored", "asked for", "p50", "p95", "x the fewest"], rows, [target]
    )


def _fill(stored: int, until: int) -> None:
    """Store one-minute candles up to so many; made by the server, for how fast is measured elsewhere."""
    partitions_ensure(START + timedelta(days=365 * year) for year in range(until // 525_600 + 2))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO marketdata_candle
                (instrument_id, timeframe, source, open_time, open, high, low, close, volume)
            SELECT %s, %s, %s, %s::timestamptz + number * interval '1 minute',
                100, 101 + number %% 7, 99, 100.5, number %% 40
            FROM generate_series(%s, %s) AS number
            """,
            [instrument().pk, TIMEFRAME, SOURCE, START, stored, until - 1],
        )
    settled()


def _measured(server: Served, rounds: int) -> dict[str, list[float]]:
    """Return milliseconds of each kind of request, which take turns."""
    place = f"/api/market-data/{quote('BENCH/USD', safe='')}/candles?timeframe={TIMEFRAME}&source={SOURCE}&limit=500"
    paths = {"one instrument (control)": CONTROL, **{name: place + query for name, query in FORMATS.items()}}
    found: dict[str, list[float]] = {name: [] for name in paths}
    connected = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for number in range(rounds * REQUESTS // 5 + 20):
        for name, path in paths.items():
            begin = time.perf_counter()
            connected.request("GET", path)
            answer = connected.getresponse()
            body = answer.read()
            taken = (time.perf_counter() - begin) * 1000
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}: {body[:200]!r}")
            if number >= 20:  # the first ones warm up
                found[name].append(taken)
    connected.close()
    return found
