"""What signing in and the rate limits cost: the real application and server, each part switched off in turn.

    make bench-api                          # needs wrk: apt install wrk
    make bench-api ARGS="--rounds 9 --seconds 4"

All variants are served at once and measured one after another, in another order each round. Latencies are wrk's; the
figures are medians over the rounds, and ratios to the bare endpoint of the same run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.servers import served

PROJECT = Path(__file__).resolve().parents[2]
TARGET = 1.25
PATHS = ["/api/portfolios", "/api/market-data/instruments", "/api/auth/me"]
USER = "bench"
FACTORS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Variant:
    """A server: whether it asks for proof, whether it counts, and what the request is signed with."""

    name: str
    auth: str = "on"
    limits: str = "on"
    signed: str = ""


VARIANTS = [
    Variant("bare", auth="off", limits="off"),
    Variant("JWT", limits="off", signed="token"),
    Variant("API key", limits="off", signed="key"),
    Variant("limiter", auth="off"),
    Variant("JWT and limiter", signed="token"),
    Variant("API key and limiter", signed="key"),
]


def main() -> int:
    options = _options()
    if shutil.which("wrk") is None:
        print("wrk is not installed; apt install wrk, or brew install wrk.", file=sys.stderr)
        return 2
    from apps.common.embedded import engines

    with engines(PROJECT / "var" / "bench"):
        os.environ["ALGOTRENDY_VAR"] = str(PROJECT / "var" / "bench")
        headers = _prepare()
        with contextlib.ExitStack() as stack:
            ports = {variant: stack.enter_context(_served(variant)) for variant in VARIANTS}
            results = {path: _measured(path, ports, headers, options) for path in PATHS}
    _print(results)
    file = PROJECT / "var" / "bench" / "api.json"
    file.write_text(json.dumps(results, indent=2))
    print(f"\nEvery round: {file.relative_to(PROJECT)}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7, help="how often each variant is measured")
    parser.add_argument("--seconds", type=int, default=3, help="how long each time")
    parser.add_argument("--connections", type=int, default=1, help="requests at a time")
    return parser.parse_args()


def _prepare() -> dict[str, dict[str, str]]:
    """Make a database with a trader and instruments; return the headers that sign a request."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "algotrendy.settings"
    django.setup()
    from django.core.management import call_command

    from apps.accounts.models import ApiKey, Role, User
    from apps.accounts.services import api_key_create, session_begin, user_create
    from apps.brokers.services import paper_connection_create
    from apps.portfolio.services import portfolio_create

    call_command("migrate", verbosity=0)
    user = User.objects.filter(username=USER).first()
    if user is None:
        password = os.urandom(12).hex()
        user = user_create(username=USER, email="bench@example.com", password=password, role=Role.TRADER)
        portfolio_create(owner=user, name="Main", connection=paper_connection_create(owner=user, name="Paper"))
    ApiKey.objects.filter(user=user).delete()
    _, text = api_key_create(user=user, name="bench", scopes=["read"])
    return {"": {}, "key": {"X-API-Key": text}, "token": {"Authorization": f"Bearer {session_begin(user=user).access}"}}


@contextlib.contextmanager
def _served(variant: Variant) -> Iterator[int]:
    """Serve the application with the variant's parts."""
    changes = {"BENCH_AUTH": variant.auth, "BENCH_LIMITS": variant.limits, "BENCH_USER": USER}
    with served(DJANGO_SETTINGS_MODULE="tests.benchmarks.api_settings", JWT_ACCESS_MINUTES="120", **changes) as server:
        yield server.port


def _measured(
    path: str, ports: dict[Variant, int], headers: dict[str, dict[str, str]], options: argparse.Namespace
) -> dict[str, list[float]]:
    """Return each variant's p50 in milliseconds, round by round."""
    found: dict[str, list[float]] = {variant.name: [] for variant in VARIANTS}
    for number in range(options.rounds + 1):
        for variant in random.sample(VARIANTS, len(VARIANTS)):
            url = f"http://127.0.0.1:{ports[variant]}{path}"
            value = _p50(url, headers[variant.signed], options)
            if number:  # the first round warms up
                found[variant.name].append(value)
    return found


def _p50(url: str, headers: dict[str, str], options: argparse.Namespace) -> float:
    signed = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    load = ["-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--latency"]
    command = ["wrk", *load, *signed, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told:
        raise RuntimeError(f"{url} does not answer 200:\n{told}")
    match = re.search(r"50%\s+([\d.]+)(us|ms|s)", told)
    if match is None:
        raise RuntimeError(f"wrk said:\n{told}")
    return float(match[1]) * FACTORS[match[2]]


def _print(results: dict[str, dict[str, list[float]]]) -> None:
    for path, rounds in results.items():
        bare = statistics.median(rounds["bare"])
        print(f"\n{path}\n{'':22} {'p50 ms':>8} {'x bare':>8} {'lowest':>8} {'highest':>8}")
        for name, values in rounds.items():
            ratios = [value / base for value, base in zip(values, rounds["bare"], strict=True)]
            middle = statistics.median(values)
            told = f"{name:22} {middle:8.3f} {middle / bare:8.2f} {min(ratios):8.2f} {max(ratios):8.2f}"
            print(told + ("" if " and " not in name else f"   target {TARGET}"))


if __name__ == "__main__":
    sys.path.insert(0, str(PROJECT))
    sys.exit(main())
