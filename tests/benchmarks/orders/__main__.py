"""Orders, measured: from the API to the committed position, from a signal to its order, and listed.

    make bench-orders                       # needs wrk: apt install wrk
    make bench-orders ARGS="lists --quick"

Each part prints a table and the targets that it meets or misses; figures are medians. The database is the benchmark's
own, below `var/bench`, and what is traded in it is deleted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
PARTS = ("pipeline", "signals", "lists")
QUICK = {"rounds": 1, "seconds": 5.0, "singles": 20, "most": 100_000, "signals": 30}


def main() -> int:
    options = _options()
    if shutil.which("wrk") is None:
        print("wrk is not installed; apt install wrk, or brew install wrk.", file=sys.stderr)
        return 2
    from apps.common.embedded import engines

    folder = PROJECT / "var" / "bench"
    with engines(folder):
        os.environ["ALGOTRENDY_VAR"] = str(folder)
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.api_settings"
        os.environ.update(BENCH_AUTH="on", BENCH_LIMITS="on", JWT_ACCESS_MINUTES="600", LOG_LEVEL="WARNING")
        missed = _measured(options)
    print(f"\n{missed} targets were missed." if missed else "\nEvery target was met.")
    return 0


def _measured(options: argparse.Namespace) -> int:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from . import lists, pipeline, signals

    runs = {"pipeline": pipeline, "signals": signals, "lists": lists}
    missed = 0
    for name in options.parts or PARTS:
        for result in runs[name].run(options):
            print(f"\n{result.told()}", flush=True)
            missed += sum(not target.is_met for target in result.targets)
    return missed


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all of them where none is named")
    parser.add_argument("--quick", action="store_true", help="a short run, for a look")
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured")
    parser.add_argument("--seconds", type=float, default=20, help="how long a stretch of full load takes")
    parser.add_argument("--singles", type=int, default=60, help="orders one at a time, each round")
    parser.add_argument("--most", type=int, default=1_000_000, help="stored orders that the list reads from")
    parser.add_argument("--signals", type=int, default=200, help="candles on which strategies order")
    parser.add_argument("--peers", default=str(PROJECT / ".venv-bench" / "bin" / "python"), help="the peers' Python")
    options = parser.parse_args()
    if options.quick:
        vars(options).update(QUICK)
    return options


sys.exit(main())
