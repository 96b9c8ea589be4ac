"""One process' use of the private engines."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from .errors import EngineError
from .locks import FileLock, held, is_held
from .place import PROJECT, Place

START_SECONDS = 120
"""The first start makes the database cluster, which takes its time on a slow disk."""
STOP_SECONDS = 8


class Engine:
    """A private server as one of its users sees it: joined, looked after, left."""

    def __init__(self, place: Place, name: str, *, fsync: bool = True) -> None:
        self.place, self.name, self.fsync = place, name, fsync
        self._users = FileLock(place.run / f"{name}.users")

    def join(self) -> str:
        """Start the server unless another process did, and return its URL."""
        try:
            if not self._users.acquire(shared=True, seconds=20):
                raise EngineError(f"The private {self.name} is being stopped and takes too long; try again.")
        except OSError as error:
            raise EngineError(
                f"{self._users.path} cannot be opened ({error.strerror}); it may belong to another user: "
                f"run as that one, or set ALGOTRENDY_VAR to a folder of your own."
            ) from error
        try:
            return self._ready_url()
        except BaseException:
            self._users.release()
            raise

    def leave(self) -> None:
        """Go; when we are the last, wait until the server has stopped, unless a newcomer keeps it."""
        if not self._users.try_sole():
            return
        self._users.release()
        left = time.monotonic()
        while self._has_keeper() and time.monotonic() < left + STOP_SECONDS:
            if time.monotonic() > left + 1 and self._state().get("status") == "ready":
                return
            time.sleep(0.02)

    def check(self) -> bool:
        """Tell whether the server is looked after: its keeper starts it again when it dies."""
        return self._has_keeper()

    def restart_dead(self) -> str:
        """Start keeper and server again after the keeper itself was killed or gave up; return the URL."""
        return self._ready_url()

    def _ready_url(self) -> str:
        problem = f"The private {self.name} is being started by another process and takes too long; try again."
        with held(self.place.run / f"{self.name}.start", seconds=START_SECONDS, problem=problem):
            if not self._has_keeper():
                self._start_keeper()
            return self._wait()

    def _start_keeper(self) -> None:
        self._state_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", f"{__package__}.keeper", self.name, "--var", str(self.place.var)]
        with (self.place.run / f"{self.name}.keeper.log").open("wb") as log:
            subprocess.run(
                command if self.fsync else [*command, "--no-fsync"],
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": _python_path(), "HOME": "/"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                check=False,
            )

    def _wait(self) -> str:
        started = time.monotonic()
        while time.monotonic() < started + START_SECONDS:
            state = self._state()
            if state.get("status") == "ready":
                return str(state["url"])
            if state.get("status") == "failed":
                raise EngineError(str(state["message"]))
            if time.monotonic() > started + 5 and not self._has_keeper():
                raise EngineError(
                    f"The private {self.name} ended at once; see {self.place.run / f'{self.name}.keeper.log'}."
                )
            time.sleep(0.02)
        raise EngineError(f"The private {self.name} is not ready after {START_SECONDS} s; see {self.place.home}.")

    @property
    def _state_file(self) -> Path:
        return self.place.run / f"{self.name}.state"

    def _state(self) -> dict[str, object]:
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads(self._state_file.read_text()))
        return {}

    def _has_keeper(self) -> bool:
        return is_held(self.place.run / f"{self.name}.keeper")


def _python_path() -> str:
    """Return where the keeper finds the project, and the servers' packages where they are not in site-packages."""
    return os.pathsep.join(path for path in (os.environ.get("PYTHONPATH"), str(PROJECT)) if path)
