"""What a process that needs the engines does: hold the users' lock, and see to it that a keeper is at work."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from apps.common.embedded.files import (
    KEEPER_LOCK,
    PROJECT,
    STATE,
    USERS_LOCK,
    EngineError,
    make_folder,
    open_lock,
    read_json,
    try_lock,
    var_dir,
)

_current: Engines | None = None
VARIABLES = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
PATIENCE = 60.0


class Engines:
    """The engines that this process uses; `names` is empty where both addresses were given."""

    def __init__(self, var: Path, names: list[str]) -> None:
        self.var = var
        self.names = names

    def ensure(self) -> None:
        """Start the keeper again if it has died; the engines come back at the same addresses."""
        if self.names and _keeper_is_gone(self.var / "run"):
            _start_keeper(self.var, self.names)


def current() -> Engines:
    """Return the engines that this process holds; ones that ask for nothing where it holds none."""
    return _current or Engines(var_dir(), [])


@contextmanager
def engines() -> Iterator[Engines]:
    """Provide the engines whose addresses are not set, and set DATABASE_URL, REDIS_URL and ALGOTRENDY_EMBEDDED.

    Raises EngineError with what to do.
    """
    global _current
    names = [name for name, variable in VARIABLES.items() if not os.environ.get(variable)]
    if not names:
        yield Engines(var_dir(), [])
        return
    var = var_dir()
    run = make_folder(var / "run")
    users = open_lock(run / USERS_LOCK)
    fcntl.flock(users, fcntl.LOCK_SH)
    given = dict(os.environ)
    try:
        state = _wait(var, names)
        for name in names:
            os.environ[VARIABLES[name]] = str(state[name])
        os.environ["ALGOTRENDY_EMBEDDED"] = "1"
        _current = Engines(var, names)
        yield _current
    finally:
        _current = None
        for variable in (*VARIABLES.values(), "ALGOTRENDY_EMBEDDED"):
            if variable not in given:
                os.environ.pop(variable, None)
        users.close()


def _wait(var: Path, names: list[str]) -> dict[str, object]:
    """Return the engines' addresses as soon as they answer."""
    run = var / "run"
    started: subprocess.Popen[bytes] | None = None
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        is_gone = _keeper_is_gone(run)
        state = read_json(run / STATE)
        if started is not None and is_gone and "error" in state:
            raise EngineError(str(state["error"]))
        if not is_gone and all(name in state for name in names):
            return state
        if is_gone:
            (run / STATE).unlink(missing_ok=True)
            started = _start_keeper(var, names)
        time.sleep(0.05)
    raise EngineError(f"The engines did not come up in {PATIENCE:.0f} s; the files in {var / 'log'} say why.")


def _keeper_is_gone(run: Path) -> bool:
    file: IO[str] = open_lock(run / KEEPER_LOCK)
    try:
        return try_lock(file)
    finally:
        file.close()


def _start_keeper(var: Path, names: list[str]) -> subprocess.Popen[bytes]:
    make_folder(var / "log")
    environment = {**os.environ, "ALGOTRENDY_VAR": str(var)}
    with (var / "log" / "keeper.log").open("ab") as log:
        keeper = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "apps.common.embedded.keeper", *names],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and keeper.poll() is None and _keeper_is_gone(var / "run"):
        time.sleep(0.02)
    return keeper
