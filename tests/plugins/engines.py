"""Start the private PostgreSQL and Redis for the tests, in a folder of their own, before the settings are read.

Loaded by `-p` in pyproject.toml. Tests of the pure core alone need no engines, and get none.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_stack = ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    paths = [arg.split("::")[0] for arg in args if not arg.startswith("-") and (ROOT / arg.split("::")[0]).exists()]
    if paths and all(path.rstrip("/").startswith("tests/trading") for path in paths):
        os.environ.setdefault("DATABASE_URL", "postgres://127.0.0.1/none")
        os.environ.setdefault("REDIS_URL", "redis://127.0.0.1/0")
        os.environ.setdefault("SECRET_KEY", "tests-of-the-core-need-none")
        return
    os.environ.setdefault("ALGOTRENDY_VAR", str(ROOT / "var" / "test"))
    os.environ.setdefault("ALGOTRENDY_ENGINES_DURABLE", "no")
    from apps.common.embedded import engines

    _stack.enter_context(engines())
    # The tests' servers are nobody's default: what the settings make of them is not a laptop's ease.
    os.environ.setdefault("SECRET_KEY", "only-for-tests-0123456789-0123456789-0123456789-0123456789")


def pytest_unconfigure(config: pytest.Config) -> None:
    _stack.close()
