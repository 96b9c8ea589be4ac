"""The supervisor over small children: restarts, giving up, stopping in order and in time, never leaving an orphan."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.support import PROJECT, clean_environment, descendants, eventually, is_running

pytestmark = [pytest.mark.faults, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]
WAITS = "import time; print('up', flush=True); time.sleep(60)"
SAYS_GOODBYE = (  # written past print, which the signal may find at work on "up"
    "import os, signal, time\n"
    "def bye(*_): os.write(1, b'bye\\n'); os._exit(0)\n"
    "signal.signal(signal.SIGTERM, bye); print('up', flush=True); time.sleep(60)"
)
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\n"
    "while True: time.sleep(60)"
)
HAS_CHILD = (
    "import subprocess, sys, time\n"
    "subprocess.Popen([sys.executable, '-S', '-E', '-c', 'import time; time.sleep(60)'])\n"
    "print('up', flush=True); time.sleep(60)"
)


@contextmanager
def platform(*services: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.fake_platform", *services],
        cwd=PROJECT,
        env=clean_environment(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=5)


def wait_for(process: subprocess.Popen[str], word: str, times: int = 1) -> list[str]:
    """Read the output until a word has come so often; the test's own time limit bounds it."""
    assert process.stdout
    lines: list[str] = []
    while sum(word in line for line in lines) < times:
        line = process.stdout.readline()
        assert line, f"it ended before {word!r}: {lines}"
        lines.append(line)
    return lines


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_ctrl_c_stops_everything_in_order() -> None:
    order = ["beat:0", "web:1", "worker:2"]
    with platform(*(f"{name}:{SAYS_GOODBYE}" for name in reversed(order))) as process:
        wait_for(process, "up", 3)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert [line.split()[0] for line in output.splitlines() if "bye" in line] == ["beat", "web", "worker"]


def test_a_child_that_does_not_stop_is_killed_after_its_patience() -> None:
    with platform(f"stubborn:0:{STUBBORN}") as process:
        wait_for(process, "up")
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 0
    assert 1 <= time.monotonic() - started < 3


def test_a_second_ctrl_c_kills_at_once() -> None:
    with platform(*(f"stubborn{order}:{order}:{STUBBORN}" for order in range(5))) as process:
        wait_for(process, "up", 5)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert time.monotonic() - started < 2


def test_a_crashed_child_is_started_again_after_a_growing_pause_and_others_stay() -> None:
    with platform(f"steady:0:{WAITS}", "shaky:0:import sys; print('run', flush=True); sys.exit(3)") as process:
        started = time.monotonic()
        lines = wait_for(process, "run", 3)
        took = time.monotonic() - started
    assert [line.rsplit(" in ", 1)[1].strip() for line in lines if "status 3" in line] == ["0.1 s", "0.2 s"]
    assert took >= 0.3
    assert sum("up" in line for line in lines) == 1


def test_a_child_that_keeps_crashing_ends_the_platform_with_an_error() -> None:
    with platform(f"steady:0:{WAITS}", "shaky:0:raise SystemExit(3)") as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "shaky keeps failing; everything was stopped" in output.splitlines()[-1]


def test_what_a_crashed_child_had_started_is_ended_too() -> None:
    with platform(f"parent:0:{HAS_CHILD}") as process:
        wait_for(process, "up")
        grandchild = next(pid for pid in descendants(process.pid) if parent_of(pid) != process.pid)
        parent = parent_of(grandchild)
        subprocess.run(["kill", "-9", str(parent)], check=True)
        assert eventually(lambda: not is_running(grandchild))


def test_children_and_theirs_die_with_a_killed_supervisor() -> None:
    with platform(f"one:0:{HAS_CHILD}", f"two:0:{STUBBORN}") as process:
        wait_for(process, "up", 2)
        children = descendants(process.pid)
        assert len(children) == 3 + 1  # and the guard
        process.kill()
        assert eventually(lambda: not any(is_running(pid) for pid in children))


def test_output_is_prefixed_and_has_no_colors_where_nobody_sees_them() -> None:
    with platform(f"web:0:{WAITS}", f"worker:0:{WAITS}") as process:
        lines = wait_for(process, "up", 2)
    assert sorted(lines) == ["web    | up\n", "worker | up\n"]
