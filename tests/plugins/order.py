"""A pytest plugin: of a run with workers, the longest files come first, so that all workers end together.

xdist begins with the files of the most tests, and the longest are of one or two. A file says by `timeout` that one of
its tests is long; after those come the folders whose tests start processes.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
SLOW = [TESTS / folder for folder in ("faults", "browser", "integration")]


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put whole files in order; a run without workers keeps its own, in which tests that commit come last."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    counts = Counter(item.path for item in items)
    longest: dict[Path, int] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        longest[item.path] = max(longest.get(item.path, 0), mark.args[0] if mark else 0)
    items.sort(key=lambda item: (-longest[item.path], _folder(item.path), -counts[item.path], item.path))


def _folder(path: Path) -> int:
    return next((number for number, folder in enumerate(SLOW) if path.is_relative_to(folder)), len(SLOW))
