"""The keeper: the small process that owns one server for all processes of the folder that use it.

It starts the server, starts it again when it dies, and stops it once nobody shares the users' lock any more: the
kernel lets go of that lock however a user ends, so not even `kill -9` leaves a server behind. The server in turn
dies with its keeper. Run as `python -m apps.common.embedded.keeper postgres --var FOLDER`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from types import FrameType

from .errors import EngineError
from .locks import FileLock
from .place import Place, find_place
from .postgres import Postgres
from .processes import stop
from .servers import Server, failure, write_private
from .valkey import Valkey

SERVERS: dict[str, type[Server]] = {Postgres.name: Postgres, Valkey.name: Valkey}
POLL = 0.1
READY_SECONDS = 60
DEATHS, WINDOW = 5, 60.0
"""So many deaths within so many seconds, and the keeper gives up."""


class Keeper:
    """Keep one server alive for as long as somebody uses it."""

    def __init__(self, place: Place, name: str, *, fsync: bool) -> None:
        self.place, self.name = place, name
        self.server: Server = SERVERS[name](place, fsync=fsync)
        self.state_file = place.run / f"{name}.state"
        self.users = FileLock(place.run / f"{name}.users")
        self.deaths: deque[float] = deque(maxlen=DEATHS)
        self.is_asked_to_stop = False

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        self.server.clear()  # before the port is looked at, which an orphan would hold
        self.server.prepare()
        port = self.server.port()
        process = self._start(port)
        try:
            while not self._is_unused():
                if process.poll() is not None:
                    process = self._start_again(port)
                time.sleep(POLL)
        finally:
            with contextlib.suppress(FileNotFoundError):
                self.state_file.unlink()
            stop(process, self.server.stop_signals, 4)
            self.users.release()

    def _start(self, port: int) -> subprocess.Popen[bytes]:
        self.say(status="starting")
        self.server.clear()
        process = self.server.start(port)
        deadline = time.monotonic() + READY_SECONDS
        while not self.server.is_ready(process, port):
            if process.poll() is not None:
                raise failure(self.server.title, self.server.last_words())
            if time.monotonic() > deadline:
                stop(process, self.server.stop_signals, 2)
                raise failure(self.server.title, f"no answer within {READY_SECONDS} s; see {self.server.log}")
            time.sleep(0.02)
        self.say(status="ready", url=self.server.url(port), server_pid=process.pid)
        return process

    def _start_again(self, port: int) -> subprocess.Popen[bytes]:
        """Start a server that died; its users know the port, so it must be the same one."""
        while True:
            self.deaths.append(time.monotonic())
            if len(self.deaths) == DEATHS and self.deaths[-1] - self.deaths[0] < WINDOW:
                raise EngineError(f"{self.server.title} died {DEATHS} times within a minute; see {self.server.log}.")
            try:
                return self._start(port)
            except EngineError:
                if self._is_unused():
                    raise
                time.sleep(len(self.deaths) * 0.5)

    def _is_unused(self) -> bool:
        """Tell whether nobody uses the server; then newcomers wait at the lock until we are gone."""
        if self.is_asked_to_stop:
            return True
        try:
            free = self.users.acquire()
        except OSError:
            return True  # the folder is gone
        return free

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.is_asked_to_stop = True

    def say(self, **state: object) -> None:
        write_private(self.state_file, json.dumps({"keeper_pid": os.getpid(), **state}))


def main() -> int:
    arguments = _parser().parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if os.fork():  # the caller waits for this one only; ours is the machine's child from here on
        os._exit(0)
    place = find_place(arguments.var)
    alone = FileLock(place.run / f"{arguments.server}.keeper")
    if not alone.acquire(seconds=2):
        return 1
    alone.write(str(os.getpid()))
    try:
        Keeper(place, arguments.server, fsync=not arguments.no_fsync).run()
    except (EngineError, OSError) as error:
        message = str(error) if isinstance(error, EngineError) else f"{arguments.server} does not start: {error}"
        state = {"keeper_pid": os.getpid(), "status": "failed", "message": message}
        with contextlib.suppress(OSError):
            write_private(place.run / f"{arguments.server}.state", json.dumps(state))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Keep one private server alive while somebody uses it.")
    parser.add_argument("server", choices=SERVERS)
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--no-fsync", action="store_true", help="for tests: faster, and a power cut may lose the data")
    return parser


if __name__ == "__main__":
    sys.exit(main())
