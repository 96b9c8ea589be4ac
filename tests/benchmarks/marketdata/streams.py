"""Many streams on one process: how late an event reaches them, and what that costs the server."""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import redis
from django.conf import settings

from apps.accounts.models import Role, User
from apps.accounts.services import api_key_create, user_create
from apps.common.events import CHANNEL
from tests.benchmarks.processor import family, processor_seconds
from tests.benchmarks.results import Result
from tests.benchmarks.servers import Served, served
from tests.processes import PROJECT

EVENTS = 60
PAUSE = 0.25


def run(options: argparse.Namespace) -> Result:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    user = User.objects.filter(username="listener").first() or user_create(
        username="listener", email="listener@example.com", password="a long passphrase 42", role=Role.TRADER
    )
    user.api_keys.all().delete()
    _, key = api_key_create(user=user, name="listener", scopes=["read"])
    rows = []
    for topic, meaning in (("orders", "orders: at once"), ("candles", "candles: newest five times a second")):
        with served("asgi") as server:
            rows.append([meaning, *_measured(server, user, key, topic, options.clients)])
    columns = ["topic", "connected in", "p50", "p95", "p99", "received", "memory a stream", "memory", "processor"]
    return Result(f"{options.clients:,} streams on one process", columns, rows)


def _measured(server: Served, user: User, key: str, topic: str, clients: int) -> list[str]:
    empty = _resident(server.pid)
    command = [sys.executable, "-m", "tests.benchmarks.marketdata.listeners", str(server.port), topic, str(clients)]
    with subprocess.Popen(
        [*command, str(EVENTS)], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as listeners:
        assert listeners.stdin
        assert listeners.stdout
        begin = time.perf_counter()
        listeners.stdin.write(f"{key}\n")
        listeners.stdin.flush()
        listeners.stdout.readline()  # all are let in
        connected = time.perf_counter() - begin
        used, started = processor_seconds(server.pid), time.perf_counter()
        _publish(user, topic)
        busy = (processor_seconds(server.pid) - used) / (time.perf_counter() - started)
        memory = _resident(server.pid)
        late = sorted(json.loads(listeners.stdout.readline()))
    cuts = statistics.quantiles(late, n=100)
    share = len(late) / (clients * EVENTS) * 100
    return [
        f"{connected:.1f} s", *(f"{cuts[at] * 1000:.1f} ms" for at in (49, 94, 98)), f"{share:.1f} %",
        f"{(memory - empty) / clients / 1024:.1f} kB", f"{memory / 2**20:.0f} MB", f"{busy * 100:.0f} % of a core",
    ]  # fmt: skip


def _publish(user: User, topic: str) -> None:
    owner = user.pk if topic == "orders" else None
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for number in range(EVENTS):
            data = {"id": str(number), "symbol": "BTC/USD", "timeframe": "1m", "source": "x", "sent": time.time()}
            client.publish(CHANNEL, json.dumps({"topic": topic, "owner": owner, "at": "now", "data": data}))
            time.sleep(PAUSE)


def _resident(pid: int) -> int:
    """Return the bytes that the processes hold in memory."""
    found = 0
    for each in family(pid):
        with contextlib.suppress(FileNotFoundError):
            lines = Path(f"/proc/{each}/status").read_text().splitlines()
            found += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))
    return found
