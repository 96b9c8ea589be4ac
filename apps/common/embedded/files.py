"""Where the engines keep their files, and the small tools for files, locks and ports."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

PROJECT = Path(__file__).resolve().parents[3]
STATE = "engines.json"
KEEPER_LOCK = "keeper.lock"
USERS_LOCK = "users.lock"


class EngineError(Exception):
    """The engines cannot run; the message is one line that says what to do."""


def var_dir() -> Path:
    """Return the folder that holds everything the platform keeps on this machine."""
    return Path(os.environ.get("ALGOTRENDY_VAR") or PROJECT / "var").resolve()


def make_folder(path: Path, mode: int = 0o755) -> Path:
    """Make the folder where it is missing; raise EngineError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=mode)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
        probe = path / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise EngineError(
            f"{path} cannot be written ({error.strerror}); make it writable, or set ALGOTRENDY_VAR to a folder that is."
        ) from error
    return path


def open_lock(path: Path) -> IO[str]:
    """Open a lock file; the descriptor is not inherited by children."""
    try:
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise EngineError(f"{path} cannot be opened ({error.strerror}); make its folder writable.") from error


def try_lock(file: IO[str]) -> bool:
    """Take the file's exclusive lock if nobody holds any; return whether it was had."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_private(path: Path, text: str) -> None:
    """Replace the file's content at once; only its owner may read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Return the file's object, or an empty one where there is no whole file."""
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}


def password(path: Path) -> str:
    """Return the password kept in the file; make one where there is none."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text(encoding="utf-8").strip()


def free_port(wanted: int | None) -> int:
    """Return the wanted port of the loopback address if it is free, else one that is."""
    for port in (wanted or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise EngineError("No port is free on 127.0.0.1; end some programs and try again.")
