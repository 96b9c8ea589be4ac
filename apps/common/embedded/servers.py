"""What both kinds of server share: a data folder, a password, a port, a way to start and to stop."""

from __future__ import annotations

import abc
import contextlib
import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from .errors import EngineError
from .place import Place
from .processes import end_orphans, start

HOST = "127.0.0.1"
USER = "algotrendy"
LOG_LIMIT = 5_000_000


class Server(abc.ABC):
    """One private server; `fsync=False` trades durability for speed and is for tests only."""

    name: ClassVar[str]
    title: ClassVar[str]
    process_names: ClassVar[tuple[str, ...]]
    stop_signals: ClassVar[tuple[int, ...]] = (signal.SIGTERM,)
    death_signal: ClassVar[int] = signal.SIGTERM

    def __init__(self, place: Place, *, fsync: bool = True) -> None:
        self.place = place
        self.fsync = fsync
        self.folder = place.home / self.name
        self.log = place.home / f"{self.name}.log"

    @abc.abstractmethod
    def prepare(self) -> None:
        """Make the data folder where there is none."""

    @abc.abstractmethod
    def command(self, port: int) -> Sequence[str | Path]:
        """Return the command line."""

    @abc.abstractmethod
    def is_ready(self, process: subprocess.Popen[bytes], port: int) -> bool:
        """Tell whether the server answers."""

    @abc.abstractmethod
    def url(self, port: int) -> str:
        """Return the address with user and password."""

    def start(self, port: int) -> subprocess.Popen[bytes]:
        """Start the server; `clear` comes first."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        return start(
            self.command(port),
            folder=self.folder,
            log=self.log,
            account=self.place.account,
            death_signal=self.death_signal,
        )

    def clear(self) -> None:
        """End whatever an earlier life left running in the data folder, which also frees its port."""
        end_orphans(self.folder, self.process_names, self.stop_signals)

    @property
    def password_file(self) -> Path:
        return self.place.home / f"{self.name}.password"

    def password(self) -> str:
        """Return the server's password; make a random one the first time, readable by its owner only."""
        if not self.password_file.exists():
            self.place.give(write_private(self.password_file, secrets.token_hex(24)))
        return self.password_file.read_text().strip()

    def last_words(self) -> str:
        """Return the end of the log in one line, for a message."""
        with contextlib.suppress(OSError):
            lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
            telling = [line for line in lines[-20:] if "FATAL" in line or "PANIC" in line or "rror" in line]
            return (telling or lines or [""])[-1][-300:]
        return ""

    def port(self) -> int:
        """Return the port of last time where it is free, else another one, which is remembered."""
        file = self.place.home / f"{self.name}.port"
        with contextlib.suppress(OSError, ValueError):
            remembered = int(file.read_text())
            if is_free(remembered):
                return remembered
        chosen = free_port()
        write_private(file, str(chosen))
        return chosen


def write_private(path: Path, text: str) -> Path:
    """Write a file whole or not at all, with mode 0600."""
    half = path.with_name(f"{path.name}.{os.getpid()}.new")
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    half.replace(path)
    return path


def is_free(port: int, host: str = HOST) -> bool:
    """Tell whether a server could listen there; an address in TIME_WAIT counts as free, as it does for servers."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def failure(title: str, words: str) -> EngineError:
    """Return what a failed start says: the server's own words, and what helps."""
    if "No space left" in words:
        return EngineError(f"{title} has no space left; free some, or set ALGOTRENDY_VAR to a folder elsewhere.")
    return EngineError(f"{title} does not start: {words or 'it said nothing'}")
