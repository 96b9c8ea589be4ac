from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.support import IS_ROOT, Holder, holding


def make_folder() -> Path:
    """Make a folder with a short path that every account may enter; pytest's own is closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="at-"))
    folder.chmod(0o777 if IS_ROOT else 0o700)
    return folder


@pytest.fixture
def empty_var() -> Iterator[Path]:
    folder = make_folder()
    yield folder / "var"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def made_var() -> Iterator[Path]:
    """Return a folder whose engines were started once; making a database takes most of a start's time."""
    folder = make_folder()
    with holding(folder / "var"):
        pass
    yield folder / "var"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def var(empty_var: Path, made_var: Path) -> Path:
    subprocess.run(["cp", "-a", made_var, empty_var], check=True)
    return empty_var


@pytest.fixture
def holder(var: Path) -> Iterator[Holder]:
    with holding(var) as running:
        yield running
