from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.support import IS_ROOT, Holder, holding


@pytest.fixture
def var() -> Iterator[Path]:
    """Return a folder with a short path that every account may enter; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="at-"))
    folder.chmod(0o777 if IS_ROOT else 0o700)
    yield folder / "var"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def holder(var: Path) -> Iterator[Holder]:
    with holding(var) as running:
        yield running
