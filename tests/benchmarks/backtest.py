"""`make bench-backtest`: our backtests beside a bare compiled loop, vectorbt and backtesting.py, in one run.

The engines take turns, each in a process of its own, so that a busy machine slows all of them; the best time of each
counts. Exits with 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benchmarks.engines.market import market

ROOT = Path(__file__).parents[2]
ENGINES = ("bare", "ours", "vectorbt_", "backtesting_py")
TITLES = {"bare": "bare numba loop", "ours": "AlgoTrendy", "vectorbt_": "vectorbt", "backtesting_py": "backtesting.py"}
CASES = {
    "SMA 10/30, 100,000 bars": {"rule": "sma", "bars": 100_000, "size": "all"},
    "RSI 14 30/70, 100,000 bars": {"rule": "rsi", "bars": 100_000, "size": "all"},
    "SMA 10/30, 1,000,000 bars, one unit": {"rule": "sma", "bars": 1_000_000, "size": "one"},
    "RSI 14 30/70, 1,000,000 bars, one unit": {"rule": "rsi", "bars": 1_000_000, "size": "one"},
    "100 SMA pairs, 100,000 bars": {"rule": "sweep", "bars": 100_000, "size": "all"},
}
# How often an engine plays a case: the slow ones less, they vary less.
ROUNDS = {"backtesting_py": {"sma": 3, "rsi": 3, "sweep": 1}, "vectorbt_": {"sma": 9, "rsi": 9, "sweep": 2}}
MOST = 15


@dataclass
class Worker:
    """A process that plays cases."""

    name: str
    python: str
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [self.python, "-m", "tests.benchmarks.worker", self.name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def play(self, case: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(case) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=30)

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{TITLES[self.name]} ended; is its environment installed? Try make bench-backtest again.")
        return json.loads(line)


def main() -> None:
    options = _options()
    pythons = {name: options.peers if name in ROUNDS else sys.executable for name in ENGINES}
    missed: list[str] = []
    for title, case in CASES.items():
        if case["bars"] > options.most_bars:
            continue
        workers = [Worker(name, pythons[name]) for name in ENGINES]
        answers = _take_turns(workers, case)
        for worker in workers:
            worker.stop()
        _print(title, case, answers)
        missed += [f"{title}: {text}" for text in _targets(case, answers)]
    print("\n" + ("\n".join(["Missed:", *missed]) if missed else "All targets are met."))
    sys.exit(1 if missed else 0)


def _take_turns(workers: list[Worker], case: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Play the case in turns; the first answer of each engine, which may compile, counts for its memory only."""
    answers: dict[str, list[dict[str, Any]]] = {worker.name: [] for worker in workers}
    rounds = {worker.name: ROUNDS.get(worker.name, {}).get(case["rule"], MOST) for worker in workers}
    if case["bars"] > 100_000:
        rounds |= {name: max(1, rounds[name] // 3) for name in ROUNDS}
    for worker in workers:
        if rounds[worker.name] > 1:
            worker.play({**case, "bars": min(case["bars"], 20_000)})
    for turn in range(MOST):
        for worker in workers:
            if turn < rounds[worker.name]:
                answers[worker.name].append(worker.play(case))
    return answers


def _best(answers: list[dict[str, Any]]) -> float:
    return min(answer["seconds"] for answer in answers)


def _print(title: str, case: dict[str, Any], answers: dict[str, list[dict[str, Any]]]) -> None:
    limit = _best(answers["bare"])
    candles = sum(column.nbytes for column in market(case["bars"]).values())
    print(f"\n{title} (candles {candles / 1e6:.1f} MB)")
    print(f"  {'engine':<18}{'time':>12}{'x bare':>10}{'memory':>12}{'x candles':>11}{'trades':>9}  result")
    for name, played in answers.items():
        seconds, last = _best(played), played[-1]
        memory = played[0]["memory"]
        told = f"best {last['best']}" if "best" in last else f"{last['equity']:,.2f}"
        print(
            f"  {TITLES[name]:<18}{seconds * 1e3:>9,.2f} ms{seconds / limit:>10,.2f}{memory / 1e6:>9,.1f} MB"
            f"{memory / candles:>11.2f}{last['trades']:>9,}  {told}",
            flush=True,
        )


def _targets(case: dict[str, Any], answers: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return which targets are missed."""
    ours, sweeps = _best(answers["ours"]), case["rule"] == "sweep"
    candles = sum(column.nbytes for column in market(case["bars"]).values())
    memory = answers["ours"][0]["memory"]
    most = 3.0 if sweeps else 1.5
    small = case["bars"] == 100_000
    found = {
        f"at most {most} x the bare loop": ours <= most * _best(answers["bare"]),
        "at least 3 x faster than vectorbt": 3 * ours <= _best(answers["vectorbt_"]),
        "at least 300 x faster than backtesting.py": not small or 300 * ours <= _best(answers["backtesting_py"]),
        "memory": memory < 200e6 if sweeps else memory <= 3 * candles,
        "the same result as the others": _agree(answers, sweeps=sweeps),
    }
    return [name for name, is_met in found.items() if not is_met]


def _agree(answers: dict[str, list[dict[str, Any]]], *, sweeps: bool) -> bool:
    """Compare each trade with backtesting.py's: bars, quantity and prices; and the best pair of a sweep."""
    ours, theirs = answers["ours"][-1], answers["backtesting_py"][-1]
    if sweeps:
        return ours["best"] == theirs["best"] == answers["bare"][-1]["best"]
    return ours["trades"] == theirs["trades"] == answers["bare"][-1]["trades"] and ours["rows"] == theirs["rows"]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", required=True, help="the Python of the environment with the peers")
    parser.add_argument("--most-bars", type=int, default=1_000_000, help="leave out the longer cases")
    return parser.parse_args()


if __name__ == "__main__":
    main()
