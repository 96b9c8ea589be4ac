"""Candles, measured: how fast they are stored, read, served and told of.

    make bench-marketdata
    make bench-marketdata ARGS="ingest read --rows 200000"

Each part prints a table and the targets that it meets or misses; figures are medians. The database is the benchmark's
own, below `var/bench`, and its candles are deleted.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
PARTS = ("ingest", "read", "api", "cache", "streams")


def main() -> int:
    options = _options()
    from apps.common.embedded import engines

    folder = PROJECT / "var" / "bench"
    with engines(folder):
        os.environ["ALGOTRENDY_VAR"] = str(folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "algotrendy.settings"
        os.environ["RATE_LIMITS"] = "false"
        os.environ["LOG_LEVEL"] = "WARNING"
        missed = _measured(options)
    print(f"\n{missed} targets were missed." if missed else "\nEvery target was met.")
    return 0


def _measured(options: argparse.Namespace) -> int:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from . import api, caching, ingest, reading, streams

    runs = {"ingest": ingest, "read": reading, "api": api, "cache": caching, "streams": streams}
    missed = 0
    for name in options.parts or PARTS:
        result = runs[name].run(options)
        print(f"\n{result.told()}", flush=True)
        missed += sum(not target.is_met for target in result.targets)
    return missed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all of them where none is named")
    parser.add_argument("--rows", type=int, default=1_000_000, help="candles to store and to read")
    parser.add_argument("--most", type=int, default=10_000_000, help="stored candles that the API reads from")
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured")
    parser.add_argument("--clients", type=int, default=1000, help="streams")
    parser.add_argument("--views", type=int, default=1500, help="page views of the cache's workload")
    return parser.parse_args()


sys.exit(main())
