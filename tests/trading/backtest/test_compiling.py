"""Compiled once: a second process finds the code on disk, and no other code than its own sources made."""

import json
import os
import subprocess
import sys
from pathlib import Path

from algotrendy.trading.backtest import compiling

ROOT = Path(__file__).parents[3]
SCRIPT = """
import json
import numpy as np
from algotrendy.trading.backtest import compiling, plain
from tests.trading.backtest.builders import bars, run
result = run(bars(*[100, 101] * 50), [1, -1] * 50)
stats = plain.run_plain.stats
print(json.dumps([len(result.trades), result.final_equity, len(stats.cache_hits), len(stats.cache_misses),
                  str(compiling.folder())]))
"""


def in_a_process(cache):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_second_process_compiles_nothing_and_finds_the_same(tmp_path):
    first, second = in_a_process(tmp_path), in_a_process(tmp_path)
    assert first[2:4] == [0, 1]
    assert second[2:4] == [1, 0]
    assert first[:2] == second[:2]
    assert Path(first[4]).parent == tmp_path
    assert any(tmp_path.rglob("*.nbc"))


def test_the_kept_code_is_named_after_all_sources_of_compiled_functions(tmp_path, monkeypatch):
    def name():
        compiling.folder.cache_clear()
        return compiling.folder().name

    before = name()
    for source in compiling.HERE.glob("*.py"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    monkeypatch.setattr(compiling, "HERE", tmp_path)
    assert name() == before
    with (tmp_path / "grid.py").open("a") as stream:
        stream.write("# one more line\n")
    changed = name()
    monkeypatch.undo()
    assert changed != before
    assert name() == before
