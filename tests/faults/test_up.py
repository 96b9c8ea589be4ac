"""The real `manage.py up`, from the first start to kill -9. The tests share one platform and run in their order."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from apps.common.embedded.servers import free_port
from apps.operations.platform import STARTS
from tests.faults.support import PROJECT, children, clean_environment, descendants, eventually, holding, is_running

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]
START_LIMIT = 10
STOP_LIMIT = 10


@dataclass
class Up:
    """A platform in a folder of its own, on ports of its own."""

    folder: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in ("", "stream-", "flower-")})
    process: subprocess.Popen[str] | None = None

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "up", *(f"--{name}port={port}" for name, port in self.ports.items())]

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()

    def start(self) -> float:
        """Start it and return how long it took until a page was served."""
        started = time.monotonic()
        with (self.folder / "output").open("w") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=PROJECT,
                env=clean_environment(ALGOTRENDY_VAR=str(self.var)),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        assert eventually(self.is_serving, 60), self.output
        seconds = time.monotonic() - started
        # The page comes first; what a test kills or counts must have come up, too.
        pid = self.process.pid
        assert eventually(lambda: len(children(pid)) > len(STARTS) and len(self.everything()) > 8, 30), self.output
        return seconds

    def is_serving(self) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['']}/admin/login/", timeout=5) as answer:
            return bool(answer.status == 200)

    def servers(self) -> dict[str, int]:
        found = {}
        for name in ("postgres", "valkey"):
            pid = re.search(r'"server_pid": (\d+)', (self.var / "run" / f"{name}.state").read_text())
            found[name] = int(pid.group(1)) if pid else 0
        return found

    def everything(self) -> list[int]:
        assert self.process
        return [self.process.pid, *descendants(self.process.pid), *self.servers().values()]

    def other(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a second `up` with the same ports to its end."""
        settings = {"ALGOTRENDY_VAR": str(self.var), **environment}
        return subprocess.run(
            self.command, cwd=PROJECT, env=clean_environment(**settings), capture_output=True, text=True, timeout=60
        )


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    folder = Path(tempfile.mkdtemp(prefix="at-"))
    folder.chmod(0o755)
    running = Up(folder)
    try:
        running.start()
        yield running
    finally:
        if running.process and running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_it_prints_where_everything_is_and_the_sign_in(up: Up) -> None:
    assert eventually(lambda: "Ready after" in up.output)
    assert re.search(r"Administrator: admin, password \S{12,} \(shown only this once\)", up.output)
    for port in up.ports.values():
        assert f"http://localhost:{port}" in up.output
    assert "\033[" not in up.output


def test_the_event_stream_has_its_own_process(up: Up) -> None:
    def is_listening() -> bool:
        with socket.create_connection(("127.0.0.1", up.ports["stream-"]), timeout=1):
            return True

    assert eventually(is_listening)


def test_a_second_one_in_the_same_folder_is_refused_with_the_pid_of_the_first(up: Up) -> None:
    done = up.other()
    assert up.process
    assert done.returncode == 1
    assert str(up.process.pid) in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert up.process.poll() is None


def test_a_busy_port_is_named_with_its_option_before_anything_starts(up: Up) -> None:
    with holding(up.var) as holder:
        urls = {"DATABASE_URL": holder["database"], "REDIS_URL": holder["redis"]}
    secrets = {"SECRET_KEY": "secret of this test " * 4, "ENCRYPTION_KEYS": "key of this test " * 4}
    done = up.other(ALGOTRENDY_VAR=str(up.folder / "other"), HTTPS="false", **secrets, **urls)
    assert done.returncode == 1
    assert f"Port {up.ports['']} of 127.0.0.1" in done.stderr.splitlines()[-1]
    assert done.stderr.rstrip().endswith("Choose another with --port.")
    assert "Traceback" not in done.stderr


def test_killed_engines_come_back_without_taking_the_rest_down(up: Up) -> None:
    assert up.process
    services, servers = children(up.process.pid), up.servers()
    for pid in servers.values():
        subprocess.run(["kill", "-9", str(pid)], check=True)
    assert eventually(lambda: all(up.servers()[name] not in (0, servers[name]) for name in servers), 20)
    assert eventually(up.is_serving)
    assert not eventually(lambda: "starting again" in up.output, 3)
    assert children(up.process.pid) == services


def test_ctrl_c_ends_everything_in_time_and_the_next_start_is_quick(up: Up) -> None:
    assert up.process
    everything = up.everything()
    stopped = time.monotonic()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=30) == 0, up.output
    assert time.monotonic() - stopped < STOP_LIMIT
    assert not any(is_running(pid) for pid in everything)
    assert up.start() < START_LIMIT
    assert "password" not in up.output.split("Ready")[0]


def test_kill_9_leaves_nothing_behind(up: Up) -> None:
    assert up.process
    everything = up.everything()
    assert len(everything) > 8
    up.process.kill()
    up.process.wait()
    assert eventually(lambda: not any(is_running(pid) for pid in everything))
