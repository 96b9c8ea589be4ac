"""Private PostgreSQL and Valkey for a machine that has neither; nothing here needs Django.

`engines()` starts what DATABASE_URL and REDIS_URL do not name, for as long as the block runs. All processes of one
`var` folder share the servers; the last one out stops them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from .errors import WAY_OUT, EngineError

__all__ = ["EngineError", "Engines", "current", "engines", "placeholders"]

MARK = "ALGOTRENDY_EMBEDDED"
NOWHERE = {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
_current: Engines | None = None
URLS = {"postgres": "DATABASE_URL", "valkey": "REDIS_URL"}


class Engines:
    """The private engines which this process uses; none where the environment names real servers."""

    def __init__(self, var: Path, names: list[str], *, fsync: bool = True) -> None:
        if names and os.name != "posix":
            raise EngineError(f"The private engines need Linux or macOS; use one of them, {WAY_OUT}.")
        from .place import find_place
        from .session import Engine

        self._place = find_place(var) if names else None
        self._engines = [Engine(self._place, name, fsync=fsync) for name in names] if self._place else []

    def start(self) -> None:
        """Join or start the servers and export their URLs."""
        joined = []
        try:
            for engine in self._engines:
                os.environ[URLS[engine.name]] = engine.join()
                joined.append(engine)
        except BaseException:
            for engine in joined:
                engine.leave()
            raise
        if self._engines:
            os.environ[MARK] = "1"
        if self._place and self._place.is_elsewhere and self._place.account:
            name, home, var = self._place.account.name, self._place.home, self._place.var
            print(f"The engines' data is in {home}: their account {name} cannot enter {var}.", file=sys.stderr)

    def stop(self) -> None:
        """Leave the servers, which stop when nobody else uses them; the database first, as it has more to do."""
        for engine in self._engines:
            engine.leave()
            os.environ.pop(URLS[engine.name], None)
        if self._engines:
            os.environ.pop(MARK, None)

    def check(self) -> list[str]:
        """Return the names of the engines that nobody looks after any more."""
        return [engine.name for engine in self._engines if not engine.check()]

    def ensure(self) -> None:
        """Start those again, at the same address; raise one line where that fails."""
        for engine in self._engines:
            if not engine.check() and engine.restart_dead() != os.environ[URLS[engine.name]]:
                raise EngineError(f"The private {engine.name} is back at another address; start the platform again.")


@contextlib.contextmanager
def engines(var: Path | None = None, *, fsync: bool = True) -> Iterator[Engines]:
    """Start the engines that no URL names, export their URLs, and leave them at the end of the block.

    `fsync=False` is for tests: faster, and a power cut may then lose the data.
    """
    from .place import default_var

    global _current
    missing = [name for name, variable in URLS.items() if not _is_named(variable)]
    running = Engines(var or default_var(), missing, fsync=fsync)
    running.start()
    _current = running
    try:
        yield running
    finally:
        _current = None
        running.stop()


def current() -> Engines:
    """Return the engines that this process holds; none where it holds none."""
    from .place import default_var

    return _current or Engines(default_var(), [])


def placeholders() -> None:
    """Let settings load for a command that touches no engine; an attempt to reach one fails at once."""
    for variable, nowhere in NOWHERE.items():
        if not _is_named(variable):
            os.environ[variable] = nowhere
            os.environ[MARK] = "1"
    if MARK in os.environ and not _is_named("SECRET_KEY"):
        os.environ["SECRET_KEY"] = secrets.token_urlsafe(48)


def _is_named(variable: str) -> bool:
    return bool(os.environ.get(variable) or os.environ.get(f"{variable}_FILE"))
