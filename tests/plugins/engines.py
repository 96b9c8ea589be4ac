"""A pytest plugin: real engines for the tests, started before Django reads its settings.

Load it with `-p tests.plugins.engines` and run `python -m pytest`. Several runs of one folder share the servers, which
live under `var/test` and never touch a running platform's data; each has a database and a Redis number of its own.
Runs that select only `tests/trading` need no engine and start none. Where DATABASE_URL and REDIS_URL are set, those
servers are used. Of a run with workers (`-n 2`) each worker has engines of its own, as a test may kill its own.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from apps.common.embedded import NOWHERE, EngineError, engines, placeholders
from apps.common.embedded.locks import FileLock

PROJECT = Path(__file__).resolve().parents[2]
WITHOUT_ENGINES = PROJECT / "tests" / "trading"
WORKER = "PYTEST_XDIST_WORKER"
SLOTS = range(1, 16)
"""Redis has 16 numbered databases; 0 is left to the platform."""
_stack = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Come before pytest-django, whose own hook of this name loads the settings."""
    _keep_bytecode()
    if _needs_engines(early_config.known_args_namespace):
        try:
            _start()
        except EngineError as error:
            raise pytest.UsageError(str(error)) from error
    else:
        placeholders()
    return (yield)


def pytest_unconfigure() -> None:
    _stack.close()


def _keep_bytecode() -> None:
    """Compile the project once even where the machine says otherwise: tests start dozens of processes of it."""
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def _needs_engines(options: object) -> bool:
    if any(getattr(options, name, False) for name in ("version", "help", "collectonly")):
        return False
    if getattr(options, "numprocesses", None) and WORKER not in os.environ:
        return False  # Its workers run the tests.
    paths = [Path(str(argument).partition("::")[0]).resolve() for argument in getattr(options, "file_or_dir", [])]
    return not paths or not all(path.is_relative_to(WITHOUT_ENGINES) for path in paths)


def _start() -> None:
    """Start the engines with a scratch `var`; it is what the code under test writes to as well."""
    worker = os.environ.get(WORKER, "")
    base = PROJECT / "var" / "test" / worker
    base.mkdir(parents=True, exist_ok=True)
    for name, nowhere in NOWHERE.items():  # what the run that started this worker has instead of engines
        if os.environ.get(name) == nowhere:
            del os.environ[name]
    own_database, own_redis = not os.environ.get("DATABASE_URL"), bool(worker) or not os.environ.get("REDIS_URL")
    _stack.enter_context(engines(base, fsync=False))
    slot = _slot(PROJECT / "var" / "test")
    scratch = base / f"slot-{slot}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    os.environ["ALGOTRENDY_VAR"] = str(scratch)
    if own_database:  # Django puts `test_` before the name and makes that database itself
        os.environ["DATABASE_URL"] = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/run{slot}"
    if own_redis:
        os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rpartition("/")[0] + f"/{slot}"
        _empty(os.environ["REDIS_URL"])


def _slot(base: Path) -> int:
    """Return the first number that no other run holds; the kernel frees it when a run ends or is killed."""
    (base / "run").mkdir(parents=True, exist_ok=True)
    for number in SLOTS:
        lock = FileLock(base / "run" / f"slot-{number}")
        if lock.acquire():
            _stack.callback(lock.release)
            return number
    raise EngineError(f"There are {len(SLOTS)} test runs in this folder already; wait for one to end.")


def _empty(url: str) -> None:
    from redis import Redis

    with Redis.from_url(url) as client:
        client.flushdb()
