"""GET /api/orders while more and more are stored, and its page of 50 beside FastAPI with SQLAlchemy's ORM."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import random
import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from tests.benchmarks.processor import processor_seconds
from tests.benchmarks.results import Result, Target
from tests.benchmarks.servers import Served, served
from tests.processes import PROJECT, free_port, wait_for_port

from .desk import EMPTIED, START, Trader, emptied, instrument, settled, trader
from .pipeline import SETTINGS

TARGET = 1.3
STAGES = (1_000, 100_000, 1_000_000)
RARE = 60
"""Orders of a rare kind that each user has among any number: enough for a page, spread over all time."""
REQUESTS = 60
CONNECTIONS = 16
CONTROL = "/api/auth/me"
FILTERS = {
    "none": "", "most (filled)": "&status=filled", "60 rejected": "&status=rejected",
    "two statuses": "&status=open&status=rejected", "a tenth (symbol)": "&symbol=BENCH/USD",
    "60 of a symbol": "&symbol=RARE/USD",
}  # fmt: skip
FILL = """
    INSERT INTO orders_order
        (id, created_at, updated_at, owner_id, portfolio_id, instrument_id, book, role, client_order_id,
         exchange_order_id, side, type, status, time_in_force, quantity, filled_quantity, filled_value, limit_price,
         average_fill_price, reference_price, post_only, reduce_only, fees_paid, reason_code, reason, active_from,
         submitted_at, closed_at, version, order_class, oco_group, risk, metadata)
    SELECT gen_random_uuid(), at, at, owner, portfolio, CASE WHEN number %% (%(until)s / %(rare)s) = 7 THEN %(rarity)s
            ELSE (%(numbers)s::bigint[])[1 + number %% 10] END, 'manual', 'manual',
        'list-' || number, 'paper-' || number,
        CASE WHEN number %% 2 = 0 THEN 'buy' ELSE 'sell' END, 'limit',
        CASE WHEN number %% (%(until)s / %(rare)s) = 3 THEN 'rejected' WHEN number %% 20 = 1 THEN 'canceled'
            ELSE 'filled' END,
        'gtc', 1.5, 1.5, 150, 100, 99.95, 100, false, false, 0.15, '', '', at, at, at, 3, 'simple', '', '{}', '{}'
    FROM (
        SELECT number, %(start)s::timestamptz + number * interval '7 seconds' AS at,
            (%(owners)s::bigint[])[1 + whose] AS owner, (%(portfolios)s::uuid[])[1 + whose] AS portfolio
        FROM generate_series(0, %(until)s - 1) AS number,
            LATERAL (SELECT (number::bigint * 7919 / 13 %% 2)::integer AS whose) AS half
    ) AS made
"""


def run(options: argparse.Namespace) -> list[Result]:
    stages = [stage for stage in STAGES if stage <= options.most]
    mine, other = trader("trader0"), trader("trader1")
    found: dict[tuple[int, str], list[float]] = {}
    with served(**SETTINGS, LOG_LEVEL="INFO", LOG_FORMAT="json", JWT_ACCESS_MINUTES="600") as server:
        for stage in stages:
            _fill(stage, mine, other)
            for name, values in _measured(server, mine, options.rounds).items():
                found[stage, name] = values
        results = [_flatness(stages, found)]
        if Path(options.peers).exists():
            results.append(_beside_peer(server, mine, options, stages[-1]))
    emptied()
    return results


def _fill(count: int, mine: Trader, other: Trader) -> None:
    """Store so many orders of two users, made by the server."""
    emptied()
    first = [instrument(f"BENCH{number}/USD") for number in range(9)]
    numbers = [instrument().pk, *(each.pk for each in first)]
    with connection.cursor() as cursor:
        cursor.execute(
            FILL,
            {
                "until": count, "rare": 2 * RARE, "rarity": instrument("RARE/USD").pk, "start": START,
                "numbers": numbers, "owners": [mine.portfolio.owner_id, other.portfolio.owner_id],
                "portfolios": [mine.portfolio.pk, other.portfolio.pk],
            },
        )  # fmt: skip
    settled(*EMPTIED[:1])


def _headers(by: Trader) -> dict[str, str]:
    return {"Authorization": f"Bearer {by.token}"}


def _measured(server: Served, by: Trader, rounds: int) -> dict[str, list[float]]:
    """Return milliseconds of each kind of request, which take turns."""
    paths = {"one's account (control)": CONTROL, **{n: f"/api/orders?limit=50{q}" for n, q in FILTERS.items()}}
    taken: dict[str, list[float]] = {name: [] for name in paths}
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for number in range(rounds * REQUESTS + 10):
        for name, path in paths.items():
            begin = time.perf_counter()
            line.request("GET", path, headers=_headers(by))
            answer = line.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{path} answered {answer.status}: {body[:200]!r}")
            if number >= 10:  # the first ones warm up
                taken[name].append((time.perf_counter() - begin) * 1000)
    line.close()
    return taken


def _flatness(stages: list[int], found: dict[tuple[int, str], list[float]]) -> Result:
    rows, ratios = [], []
    for stage in stages:
        for name in ("one's account (control)", *FILTERS):
            p50, p95 = statistics.median(found[stage, name]), statistics.quantiles(found[stage, name], n=20)[-1]
            growth = p50 / statistics.median(found[stages[0], name])
            rows.append([f"{stage:,}", name, f"{p50:.2f} ms", f"{p95:.2f} ms", f"{growth:.2f}"])
            if name in FILTERS:
                ratios.append(growth)
    what = f"x the time from {stages[0]:,} to {stages[-1]:,} stored orders, the worst filter"
    title = "50 orders by API, of a user who has half of those stored"
    return Result(title, ["stored", "filter", "p50", "p95", "x the fewest"], rows, [Target(what, max(ratios), TARGET)])


def _beside_peer(server: Served, by: Trader, options: argparse.Namespace, stored: int) -> Result:
    """Let wrk ask ours and the peers' servers in turns, each a process of its own."""
    with contextlib.ExitStack() as stack:
        servers = {"AlgoTrendy, with limiter, logs and metrics": server}
        for style in ("threads", "async"):
            servers[f"FastAPI, SQLAlchemy ORM, {style}"] = stack.enter_context(_peer(options.peers, style))
        rates: dict[str, list[float]] = {name: [] for name in servers}
        used: dict[str, list[float]] = {name: [] for name in servers}
        for number in range(options.rounds + 1):
            for name, each in random.sample(list(servers.items()), len(servers)):
                before = processor_seconds(each.pid)
                rate, answered = _wrk(each.port, by, 3 if options.quick else 5)
                if number:  # the first round warms up
                    rates[name].append(rate)
                    used[name].append((processor_seconds(each.pid) - before) / answered * 1000)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    ours, *theirs = medians.values()
    rows = [
        [name, f"{rate:,.0f}", f"{rate / max(theirs):.2f}", f"{statistics.median(used[name]):.2f} ms"]
        for name, rate in medians.items()
    ]
    target = Target("x the requests a second of the faster peer", ours / max(theirs), 1.0, at_least=True)
    title = f"The page of 50 of {stored:,} orders behind JWT, {CONNECTIONS} connections, one process each"
    columns = ["server", "requests a second", "x the faster peer", "processor time a request"]
    return Result(title, columns, rows, [target])


@contextlib.contextmanager
def _peer(python: str, style: str) -> Iterator[Served]:
    port, database = free_port(), urlsplit(os.environ["DATABASE_URL"])
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), "PEER_STYLE": style,
        "PEER_KEY": settings.SECRET_KEY, "PEER_DATABASE": database._replace(scheme="postgresql+psycopg").geturl(),
    }  # fmt: skip
    command = [
        python, "-m", "uvicorn", "tests.benchmarks.orders.peer:app", "--host", "127.0.0.1", "--port", str(port),
        "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=PROJECT, env=environment) as process:
        try:
            wait_for_port(port, process)
            yield Served(port, process.pid)
        finally:
            process.terminate()


def _wrk(port: int, by: Trader, seconds: int) -> tuple[float, int]:
    """Return the requests a second, and how many were answered."""
    url = f"http://127.0.0.1:{port}/api/orders?limit=50"
    load = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", f"Authorization: Bearer {by.token}"]
    told = subprocess.run(["wrk", *load, url], capture_output=True, text=True, check=True).stdout
    rate, answered = re.search(r"Requests/sec:\s+([\d.]+)", told), re.search(r"(\d+) requests in", told)
    if "Non-2xx" in told or rate is None or answered is None:
        raise RuntimeError(f"{url} does not answer 200:\n{told}")
    return float(rate[1]), int(answered[1])
