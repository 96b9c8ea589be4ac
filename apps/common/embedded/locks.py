"""Locks that the kernel lets go of when their holder dies, however it dies."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import EngineError


class FileLock:
    """An advisory lock on a file; `flock` binds it to the open file, so it ends with the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def acquire(self, *, shared: bool = False, seconds: float = 0) -> bool:
        """Return whether the lock was had within that time."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    os.close(handle)
                    raise
            else:
                self._handle = handle
                return True
            if time.monotonic() >= deadline:
                os.close(handle)
                return False
            time.sleep(0.02)

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def try_sole(self) -> bool:
        """Turn our shared lock into an exclusive one if nobody else shares it; give it up otherwise."""
        if self._handle is None:
            return False
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            return False
        return True

    def write(self, text: str) -> None:
        """Say in the file who holds it."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, text.encode(), 0)


def is_held(path: Path) -> bool:
    """Tell whether somebody holds the exclusive lock of this file; askers share, so they do not see each other."""
    lock = FileLock(path)
    try:
        free = path.exists() and lock.acquire(shared=True)
    except OSError as error:
        raise EngineError(f"{path} cannot be opened ({error.strerror}); it may belong to another user.") from error
    lock.release()
    return path.exists() and not free


@contextlib.contextmanager
def held(path: Path, *, seconds: float, problem: str) -> Iterator[FileLock]:
    """Hold a lock exclusively for a block; raise the problem where it cannot be had in time."""
    lock = FileLock(path)
    try:
        if not lock.acquire(seconds=seconds):
            raise EngineError(problem)
    except OSError as error:
        raise EngineError(f"{path} cannot be opened ({error.strerror}); it may belong to another user.") from error
    try:
        yield lock
    finally:
        lock.release()
