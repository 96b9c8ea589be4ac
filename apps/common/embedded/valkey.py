"""The private Valkey, which speaks Redis' protocol."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .binaries import find_valkey
from .place import Place
from .servers import HOST, Server, write_private

SETTINGS = (
    f"bind {HOST}",
    "dir ./",
    "daemonize no",
    "pidfile ./valkey.pid",
    'logfile ""',
    "appendonly yes",
    'save ""',
    "maxmemory-policy noeviction",  # a queue must not lose tasks when memory is short
)


class Valkey(Server):
    name = "valkey"
    title = "Valkey"
    process_names = ("valkey-server", "redis-server")

    def __init__(self, place: Place, *, fsync: bool = True) -> None:
        super().__init__(place, fsync=fsync)
        self.program = find_valkey(place)

    @property
    def configuration(self) -> Path:
        return self.place.home / "valkey.conf"

    def prepare(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(mode=0o700)
            self.place.give(self.folder)

    def command(self, port: int) -> Sequence[str | Path]:
        """Write the settings to a private file: a password on the command line is everybody's to read."""
        settings = [
            *SETTINGS,
            f"appendfsync {'everysec' if self.fsync else 'no'}",
            f"port {port}",
            f"requirepass {self.password()}",
        ]
        self.place.give(write_private(self.configuration, "\n".join(settings) + "\n"))
        return [self.program, self.configuration]

    def is_ready(self, process: subprocess.Popen[bytes], port: int) -> bool:
        try:
            with socket.create_connection((HOST, port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password()}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def url(self, port: int) -> str:
        return f"redis://:{self.password()}@{HOST}:{port}/0"
