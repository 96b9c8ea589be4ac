"""What was found out about a strategy file, and where it is remembered."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Found:
    """A strategy of a file: its class, its name, and the line on which it is named."""

    class_name: str
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file defines; or, with a `message`, what is wrong with it and on which line."""

    found: tuple[Found, ...] = ()
    line: int = 1
    message: str = ""

    def as_json(self) -> str:
        found = [[each.class_name, each.name, each.line] for each in self.found]
        return json.dumps({"found": found, "line": self.line, "message": self.message})

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """Read what `as_json` wrote; raise ValueError for anything else."""
        try:
            told: dict[str, Any] = json.loads(text)
            found = tuple(Found(str(class_name), str(name), int(line)) for class_name, name, line in told["found"])
            return cls(found, int(told["line"]), str(told["message"]))
        except (KeyError, TypeError) as error:
            raise ValueError("This is no verdict.") from error


class Verdicts:
    """Verdicts in a folder, one file each, named after what was looked at; with no folder nothing is kept.

    A folder that cannot be written to costs time, never a strategy.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._fingerprint = _fingerprint() if folder else b""

    def key(self, *parts: bytes) -> str:
        """Return the name under which a verdict on these parts is kept; another platform or Python has others."""
        digest = hashlib.sha256(self._fingerprint)
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()

    def get(self, key: str) -> Verdict | None:
        if self._folder is None:
            return None
        try:
            return Verdict.from_json((self._folder / f"{key}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def put(self, key: str, verdict: Verdict) -> None:
        """Keep the verdict, whole or not at all."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(verdict.as_json())
            os.replace(temporary, self._folder / f"{key}.json")

    def forget(self) -> None:
        """Drop all verdicts."""
        if self._folder is not None and self._folder.is_dir():
            for path in self._folder.glob("*.json"):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process at a time look into something new: the others find its verdict afterwards."""
        handle = self._open_lock()
        try:
            yield
        finally:
            if handle is not None:
                os.close(handle)  # which gives the lock back

    def _open_lock(self) -> int | None:
        if self._folder is None:
            return None
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            return handle
        return None


def _fingerprint() -> bytes:
    """Return what verdicts depend on besides the file: this package's code, Python and NumPy."""
    digest = hashlib.sha256(f"{sys.version} {np.__version__}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()
