"""The private PostgreSQL."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .binaries import find_postgres
from .errors import EngineError
from .place import Place
from .processes import drop, server_environment
from .servers import HOST, USER, Server, failure, write_private

DATABASE = "algotrendy"
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path may not be longer than 107 bytes
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "min_wal_size": "80MB",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "synchronous_commit": "on",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class Postgres(Server):
    name = "postgres"
    title = "PostgreSQL"
    process_names = ("postgres",)
    stop_signals = (signal.SIGINT, signal.SIGQUIT)  # fast: end the sessions; immediate: recover at the next start
    death_signal = signal.SIGINT

    def __init__(self, place: Place, *, fsync: bool = True) -> None:
        super().__init__(place, fsync=fsync)
        self.programs = find_postgres(place)

    def prepare(self) -> None:
        """Make the database cluster in a folder beside and rename it, so that a half-made one is never used."""
        if not (self.folder / "PG_VERSION").exists():
            self._make()
            return
        self._check_version()
        if not self.password_file.exists():
            self._single_user(self.folder, f"ALTER ROLE {USER} PASSWORD '{self.password()}'")

    def command(self, port: int) -> Sequence[str | Path]:
        fsync = "on" if self.fsync else "off"
        settings = {**SETTINGS, "port": str(port), "fsync": fsync, "full_page_writes": fsync}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [self.programs / "postgres", "-D", self.folder, *options]

    def is_ready(self, process: subprocess.Popen[bytes], port: int) -> bool:
        """Read the state which the server keeps in its pid file, as pg_ctl does."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0].strip() == str(process.pid) and lines[7].strip() == "ready"

    def url(self, port: int) -> str:
        return f"postgresql://{USER}:{self.password()}@{HOST}:{port}/{DATABASE}"

    def clear(self) -> None:
        """Remove a stale pid file too: after a restart of the machine its number may be another process by now."""
        super().clear()
        (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def _make(self) -> None:
        half = self.place.home / "postgres.new"
        shutil.rmtree(half, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        password = self.place.give(write_private(self.place.home / "initdb.password", self.password()))
        locale = ["--locale=C"]
        if self._version() >= 17:  # Unicode's own rules for upper and lower case, the same on every machine
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command: list[str | Path] = [
            self.programs / "initdb",
            "-D",
            half,
            "-U",
            USER,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            *locale,
        ]
        try:
            self._run([*command, f"--pwfile={password}", *([] if self.fsync else ["--no-sync"])])
            self._single_user(half, f"CREATE DATABASE {DATABASE}")
            half.rename(self.folder)
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise
        finally:
            password.unlink(missing_ok=True)

    def _single_user(self, folder: Path, statement: str) -> None:
        self._run([self.programs / "postgres", "--single", "-D", folder, "postgres"], statement + "\n")

    def _run(self, command: Sequence[str | Path], text: str = "") -> str:
        done = subprocess.run(
            [str(part) for part in command],
            input=text,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.place.home,
            env=server_environment(self.place.home),
            **drop(self.place.account),
        )
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        bad = [line for line in lines if re.search(r"\b(ERROR|FATAL|PANIC|error|could not)\b", line)]
        if done.returncode or any("ERROR" in line or "FATAL" in line for line in bad):
            raise failure(self.title, (bad or lines or [""])[0])
        return str(done.stdout)

    def _version(self) -> int:
        found = re.search(r"\d+", self._run([self.programs / "postgres", "--version"]))
        return int(found.group()) if found else 0

    def _check_version(self) -> None:
        made_by, server = int((self.folder / "PG_VERSION").read_text()), self._version()
        if made_by != server:
            raise EngineError(
                f"The data in {self.folder} was made by PostgreSQL {made_by} and this server is {server}; go back to "
                f"{made_by}, or move the folder away and restore a backup."
            )
