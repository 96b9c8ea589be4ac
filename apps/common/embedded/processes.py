"""Starting servers that die with their parent, finding the ones that an earlier life left behind, stopping both."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .place import Account

PR_SET_PDEATHSIG = 1
PID_FILES = ("postmaster.pid", "valkey.pid")
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(death_signal: int, parent: int) -> Callable[[], None]:
    """Return what a child runs before its exec; it must come after a change of user, which clears the wish."""

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:  # it died before we could ask
                os.kill(os.getpid(), signal.SIGKILL)

    return ask


def start(
    command: Sequence[str | Path], *, folder: Path, log: Path, account: Account | None, death_signal: int
) -> subprocess.Popen[bytes]:
    """Start a server in its data folder; call this from the main thread, whose end counts as the parent's."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=server_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(death_signal, os.getpid()),
            **drop(account),
        )


def drop(account: Account | None) -> dict[str, Any]:
    """Return the arguments of subprocess that run a command as that account."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def server_environment(folder: Path) -> dict[str, str]:
    """Return a clean environment: no PG* variable of the person may reach the server, nor a secret of ours."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": str(folder)}


def stop(process: subprocess.Popen[bytes], signals: Sequence[int], seconds_each: float) -> None:
    """Ask ever more sternly; end with SIGKILL."""
    for number in (*signals, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds_each)
            return


def end_orphans(folder: Path, names: Sequence[str], signals: Sequence[int], *, seconds_each: float = 4) -> None:
    """End servers which still run in this data folder after their keeper was killed; two would corrupt it."""
    for number in (*signals, signal.SIGKILL):
        deadline = time.monotonic() + seconds_each
        for pid in _running_in(folder, names):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while _running_in(folder, names):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            return


def _running_in(folder: Path, names: Sequence[str]) -> list[int]:
    """Return the processes of those names whose working folder is this one, which servers make it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "comm").read_text().strip() in names and (entry / "cwd").resolve() == folder.resolve():
                found.append((int(entry.name), (entry / "stat").read_text().rpartition(")")[2].split()[0]))
    return [pid for pid, state in found if state != "Z"] or _by_pid_file(folder, names)


def _by_pid_file(folder: Path, names: Sequence[str]) -> list[int]:
    """Do without /proc: ask `ps` whether the process in the server's own pid file is still that server."""
    found = []
    for file in () if Path("/proc/self").exists() else PID_FILES:
        with contextlib.suppress(OSError, ValueError):
            pid = int((folder / file).read_text().split("\n", 1)[0])
            answer = subprocess.run(["/bin/ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True)
            if Path(answer.stdout.strip()).name in names:
                found.append(pid)
    return found
