"""The strategy files of a folder: which there are, whether they changed, and what each defines."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

from algotrendy.trading.strategies.importing import execute, parse
from algotrendy.trading.strategies.limits import MEGABYTE, Limits
from algotrendy.trading.strategies.origins import Loaded, Origin, OriginKind
from algotrendy.trading.strategies.places import Flaw, worded
from algotrendy.trading.strategies.probing import probe_content
from algotrendy.trading.strategies.verdicts import Verdict, Verdicts

LARGEST = MEGABYTE
type Signature = tuple[tuple[object, ...], ...]
"""Name, time, size, number and mode of each file: what changes when a file does."""


def is_strategy_file(name: str) -> bool:
    """Return whether a file of that name holds strategies: tests, and what begins with `_` or `.`, do not."""
    return name.endswith(".py") and not name.startswith(("_", ".", "test_")) and name != "conftest.py"


def signature_of(folder: Path) -> Signature:
    """Return what tells whether the folder's files changed; a folder that is not there has none."""
    try:
        with os.scandir(folder) as entries:
            found = [(each.name, each.stat()) for each in entries if is_strategy_file(each.name) and each.is_file()]
        return ((folder.stat().st_mode,), *sorted((name, *_marks(status)) for name, status in found))
    except OSError as error:
        return ((type(error).__name__,),)


class Folder:
    """A folder of strategy files, which remembers those that it has executed."""

    def __init__(self, path: Path, verdicts: Verdicts, limits: Limits) -> None:
        self._path, self._verdicts, self._limits = path, verdicts, limits
        self._known: dict[str, Loaded] = {}

    def load(self, taken: Collection[str]) -> list[Loaded]:
        """Return every file with what it defines, by name; a file that did not change is not executed again."""
        try:
            with os.scandir(self._path) as entries:
                names = sorted(each.name for each in entries if is_strategy_file(each.name) and each.is_file())
            others_may_write = self._path.stat().st_mode & stat.S_IWOTH
        except FileNotFoundError:
            return []
        except OSError as error:
            return [self._nothing(self._path.name).refused(1, f"The folder cannot be read: {error.strerror}.")]
        if names and others_may_write:
            text = "Everybody on this machine may write to the folder; take that away (chmod o-w)."
            return [self._nothing(name).refused(1, text) for name in names]
        loaded = [self._load(name, taken) for name in names]
        self._known = {key: each for key, each in self._known.items() if any(each is other for other in loaded)}
        return loaded

    def _load(self, name: str, taken: Collection[str]) -> Loaded:
        """Return the file; whatever goes wrong with it is its own problem."""
        nothing = self._nothing(name)
        try:
            content = _read(nothing.path)
            return self._execute(nothing, content, taken)
        except Flaw as flaw:
            return nothing.refused(flaw.line, flaw.message)
        except Exception as error:  # no file may keep the others from being loaded
            return nothing.refused(1, f"It could not be looked at: {worded(error)}")

    def _execute(self, nothing: Loaded, content: bytes, taken: Collection[str]) -> Loaded:
        key = self._verdicts.key(content, *(name.encode() for name in sorted(taken)))
        known = f"{nothing.path} {key}"
        if known in self._known:
            return self._known[known]
        verdict = self._verdict(key, content, taken)
        if verdict.message:
            raise Flaw(verdict.message, verdict.line)
        source = parse(content, str(nothing.path))
        module = execute(content, source, f"{nothing.path.stem}_{key[:12]}")
        strategies = {each.name: getattr(module, each.class_name) for each in verdict.found}
        loaded = Loaded(nothing.path, nothing.origin, strategies, {each.name: each.line for each in verdict.found})
        self._known[known] = loaded
        return loaded

    def _verdict(self, key: str, content: bytes, taken: Collection[str]) -> Verdict:
        verdict = self._verdicts.get(key)
        if verdict is None:
            with self._verdicts.alone():
                verdict = self._verdicts.get(key)  # another process may have been first
                if verdict is None:
                    verdict = probe_content(content, taken, self._limits)
                    self._verdicts.put(key, verdict)
        return verdict

    def _nothing(self, name: str) -> Loaded:
        return Loaded(self._path / name, Origin(OriginKind.FILE, name))


def _marks(status: os.stat_result) -> tuple[int, ...]:
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode


def _read(path: Path) -> bytes:
    status = path.stat()
    if status.st_mode & stat.S_IWOTH:
        raise Flaw("Everybody on this machine may write to it; take that away (chmod o-w).", 1)
    if status.st_size > LARGEST:
        raise Flaw(f"It is larger than {LARGEST // MEGABYTE} MiB.", 1)
    try:
        return path.read_bytes()
    except OSError as error:
        raise Flaw(f"It cannot be read: {error.strerror}.", 1) from None
