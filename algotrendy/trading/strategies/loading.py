"""Strategies that others wrote, kept up to date: the files of a folder, and the entry points of installed packages.

Nothing that such a file does stops this process: what is new is looked at by another one first (`probing`), and only
what passes is executed here. A file is code, though: once it passed, it may do what the platform may.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from algotrendy.trading.strategies.folders import Folder, Signature, signature_of
from algotrendy.trading.strategies.limits import Limits
from algotrendy.trading.strategies.origins import Loaded, Snapshot, snapshot_of
from algotrendy.trading.strategies.packages import load_packages
from algotrendy.trading.strategies.verdicts import Verdicts

EVERY = 1.0
"""Seconds between two looks at the folder."""
type OnChange = Callable[[Snapshot, Snapshot], object]


class Library:
    """What the folder and the packages define, at any time and for any thread.

    The first to ask waits until all is loaded. Later the folder is looked at, at most once a second, by whoever asks:
    where nothing changed that costs a look at its list, else the asker waits for the new files to be looked at, while
    other threads go on with what there was.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        cache: Path | None = None,
        taken: Collection[str] = (),
        packages: bool = True,
        limits: Limits | None = None,
        on_change: OnChange = lambda before, now: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._taken, self._on_change, self._clock = folder, taken, on_change, clock
        self._limits, self._verdicts = limits or Limits(), Verdicts(cache)
        self._folder = Folder(folder, self._verdicts, self._limits) if folder else None
        self._packages: list[Loaded] | None = None if packages else []
        self._current: Snapshot | None = None
        self._signature: Signature = ()
        self._looked = 0.0
        self.renew_lock()

    def renew_lock(self) -> None:
        """Take a lock that nobody holds: a process that was forked off may have one that is never given back."""
        self._lock = threading.Lock()

    def now(self) -> Snapshot:
        """Return what there is."""
        current = self._current
        if current is not None and not self._is_due():
            return current
        if not self._lock.acquire(blocking=current is None):
            return current or Snapshot()
        try:
            return self._look() if self._current is None or self._is_due() else self._current
        finally:
            self._lock.release()

    def again(self) -> Snapshot:
        """Forget every verdict, look at everything once more, and return what there is."""
        with self._lock:
            self._verdicts.forget()
            self._folder = Folder(self._path, self._verdicts, self._limits) if self._path else None
            self._packages = None if self._packages is None or self._packages else []
            self._signature = (("again",),)
            return self._look()

    def _is_due(self) -> bool:
        return self._clock() - self._looked >= EVERY

    def _look(self) -> Snapshot:
        """Load what changed, and tell of it; the caller holds the lock."""
        before = self._current
        signature = signature_of(self._path) if self._path else ()
        if before is None or signature != self._signature:
            now = self._load()
            self._signature, self._current = signature, now
            if before is None or now != before:
                self._on_change(before or Snapshot(), now)
        self._looked = self._clock()
        return self._current or Snapshot()

    def _load(self) -> Snapshot:
        if self._packages is None:
            self._packages = load_packages(self._verdicts, self._limits, self._taken)
        files = self._folder.load(self._taken) if self._folder else []
        return snapshot_of([*self._packages, *files])
