"""An order from the API to its committed position: how long one takes, and how many a second the platform sustains.

A real web server takes orders (signed by JWT, counted by the limiter, logged, measured), real workers send and fill
them at the paper venue, on candles that arrive by a feed. In each round the bare inserts come first, then the same
seconds with one worker process and with two.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.benchmarks.results import Result, Target
from tests.benchmarks.servers import served
from tests.processes import PROJECT

from .desk import Market, Trader, emptied, settled, trader, written
from .listening import Listener

TRADERS = 8
CLIENTS = 8
AT_ONCE = 128
"""Orders on their way at any time."""
TICK = 0.5
SHARE = 25
STEPS = ("answered", "accepted by the venue", "position committed")
ENDED = ("filled", "rejected", "canceled", "expired")
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.api_settings", "BENCH_AUTH": "on", "BENCH_LIMITS": "on"}


@dataclass(frozen=True)
class Load:
    """What a stretch of full load gave: orders filled a second, and the milliseconds each took."""

    rate: float
    taken: list[float]


def run(options: argparse.Namespace) -> list[Result]:
    emptied()
    market, traders = Market(), [trader(f"trader{number}") for number in range(TRADERS)]
    market.tick()
    settled()
    bare: dict[int, list[float]] = {1: [], 2: []}
    loads: dict[int, list[Load]] = {1: [], 2: []}
    alone: dict[int, list[list[float]]] = {1: [], 2: []}
    before = written()
    with served(**SETTINGS, LOG_LEVEL="INFO", LOG_FORMAT="json", JWT_ACCESS_MINUTES="600") as server:
        for _ in range(options.rounds):
            for processes in (1, 2):
                bare[processes].append(_bare(processes, options.seconds))
                with workers(processes):
                    alone[processes] += _one_by_one(server.port, market, traders, options.singles)
                    loads[processes].append(_loaded(server.port, market, traders, options.seconds))
    return [_latencies(alone, loads), _sustained(bare, loads, *written().each_since(before))]


def _latencies(alone: dict[int, list[list[float]]], loads: dict[int, list[Load]]) -> Result:
    rows = []
    for processes in (1, 2):
        full = [taken for load in loads[processes] for taken in load.taken]
        steps = {f"one at a time, {name}": [each[at] for each in alone[processes]] for at, name in enumerate(STEPS)}
        for name, values in {**steps, f"{AT_ONCE} at a time, position committed": full}.items():
            p50, p95 = statistics.median(values), statistics.quantiles(values, n=20)[-1]
            rows.append([str(processes), name, f"{p50:.1f} ms", f"{p95:.1f} ms", f"{len(values):,}"])
    title = f"From the request to the committed position (candles every {TICK * 1000:.0f} ms under load)"
    return Result(title, ["worker processes", "orders", "p50", "p95", "orders measured"], rows)


def _sustained(bare: dict[int, list[float]], loads: dict[int, list[Load]], inserted: float, changed: float) -> Result:
    rows, targets = [], []
    for processes in (1, 2):
        rate = statistics.median(load.rate for load in loads[processes])
        insert = statistics.median(bare[processes])
        share = rate * (inserted + changed) / insert * 100
        strict = rate * inserted / insert * 100
        figures = [f"{rate:.1f}", f"{inserted:.1f} + {changed:.1f}", f"{insert:,.0f}", f"{share:.0f} %"]
        rows.append([str(processes), *figures, f"{strict:.0f} %"])
        what = f"% of the bare rate, rows inserted and changed, {processes} worker{'s' if processes > 1 else ''}"
        targets.append(Target(what, share, SHARE, at_least=True))
    columns = [
        "worker processes", "orders a second", "rows an order inserts + changes", "bare rows a second",
        "of the bare rate", "by inserted rows alone",
    ]  # fmt: skip
    return Result("Sustained, beside bare inserts over as many connections", columns, rows, targets)


def _bare(connections: int, seconds: float) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.orders.bare", str(connections), str(seconds)]
    told = subprocess.run(command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, check=True)
    return float(told.stdout)


@contextlib.contextmanager
def workers(processes: int) -> Iterator[None]:
    """Run the trading worker with so many processes, as `up` does."""
    command = ["-m", "celery", "-q", "-A", "algotrendy.celery", "worker", "-c", str(processes), "-Q", "orders,default"]
    worker = subprocess.Popen(
        [sys.executable, *command, "--without-gossip", "--without-mingle"], cwd=PROJECT,
        env={**os.environ, **SETTINGS, "LOG_LEVEL": "INFO", "LOG_FORMAT": "json"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(30)


def _one_by_one(port: int, market: Market, traders: list[Trader], count: int) -> list[list[float]]:
    """Return each order's milliseconds to each of STEPS; its candle comes as soon as the venue has accepted it."""
    taken: list[list[float]] = []
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with Listener() as listener:
        for number in range(count + 5):
            name, begin = uuid.uuid4().hex, time.perf_counter()
            _place(line, traders[number % TRADERS], name, number // TRADERS)
            answered, accepted = time.perf_counter(), listener.wait(name, "open")
            market.tick()
            ended = listener.wait(name, "filled")
            if number >= 5:  # the first ones warm up
                taken.append([(moment - begin) * 1000 for moment in (answered, accepted, ended)])
    line.close()
    return taken


def _loaded(port: int, market: Market, traders: list[Trader], seconds: float) -> Load:
    """Keep as many orders as may be on their way for so long; count those that were filled meanwhile."""
    room, numbers = threading.Semaphore(AT_ONCE), itertools.count()
    begun: dict[str, float] = {}
    done = threading.Event()

    def told(name: str, status: str) -> None:
        if status in ENDED and name in begun:
            room.release()

    def client() -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not done.is_set():
            if room.acquire(timeout=0.1):
                number, name = next(numbers), uuid.uuid4().hex
                begun[name] = time.perf_counter()
                _place(line, traders[number % TRADERS], name, number // TRADERS)
        line.close()

    with Listener(told) as listener:
        threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        begin = time.perf_counter()
        while (now := time.perf_counter()) < begin + seconds:
            market.tick()
            time.sleep(TICK)
        done.set()
        for thread in threads:
            thread.join()
        after = begin + seconds * 0.2  # the first orders find everything empty
        ended = [listener.heard[name].get("filled", float("inf")) for name in begun]
        rate = sum(after <= moment < now for moment in ended) / (now - after)
        _drain(market, listener, begun)
        taken = [(listener.heard[name]["filled"] - start) * 1000 for name, start in begun.items()]
    return Load(rate, taken)


def _drain(market: Market, listener: Listener, begun: Iterable[str]) -> None:
    """Let candles come until every order is filled."""
    deadline = time.perf_counter() + 60
    while any("filled" not in listener.heard[name] for name in begun):
        if time.perf_counter() > deadline:
            raise RuntimeError("Orders were left unfilled.")
        market.tick()
        time.sleep(TICK)


def _place(line: http.client.HTTPConnection, by: Trader, name: str, turn: int) -> None:
    body = {
        "portfolio": str(by.portfolio.pk), "symbol": "BENCH/USD", "side": "sell" if turn % 2 else "buy",
        "type": "market", "quantity": "1", "client_order_id": name,
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {by.token}", "Content-Type": "application/json"}
    line.request("POST", "/api/orders", json.dumps(body), headers)
    answer = line.getresponse()
    told = answer.read()
    if answer.status != 201:
        raise RuntimeError(f"The order was answered {answer.status}: {told[:300]!r}")
