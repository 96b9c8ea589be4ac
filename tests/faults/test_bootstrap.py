"""`bin/bootstrap` where there is no fitting Python, and what it installs when."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.faults.support import PROJECT

pytestmark = pytest.mark.faults
TOOLS = ("sh", "cat", "cksum", "dirname", "grep", "mkdir", "mv", "rm", "touch")
OLD = '#!/bin/sh\ncase "$*" in *version_info*) exit 1;; esac\necho "Python 3.11.2"\n'
NEW = """#!/bin/sh
case "$*" in
    *version_info*) exit 0;;
    --version) echo "Python 3.13.0";;
    "-m venv .venv") mkdir -p .venv/bin; cat "$0" > .venv/bin/python; chmod +x .venv/bin/python;;
    *pip*) echo "$*" >> pip.log; if [ -f offline ]; then exit 1; fi;;
esac
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a clone with nothing but the script and a lock, and a PATH without any Python."""
    for name in ("bin", "path", "home"):
        (tmp_path / name).mkdir()
    shutil.copy(PROJECT / "bin" / "bootstrap", tmp_path / "bin" / "bootstrap")
    (tmp_path / "requirements.txt").write_text("one==1\n")
    for tool in (*TOOLS, "chmod"):
        (tmp_path / "path" / tool).symlink_to(shutil.which(tool) or tool)
    return tmp_path


def bootstrap(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(folder / "path" / "sh"), str(folder / "bin" / "bootstrap"), "requirements.txt"],
        env={"PATH": str(folder / "path"), "HOME": str(folder / "home"), **environment},
        capture_output=True,
        text=True,
    )


def add_python(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return path


def test_without_a_python_it_says_what_to_install_and_makes_nothing(folder: Path) -> None:
    done = bootstrap(folder)
    assert done.returncode != 0
    assert "needs Python 3.12 or newer" in done.stderr
    assert "apt install" in done.stderr
    assert "PYTHON=" in done.stderr
    assert not (folder / ".venv").exists()


def test_an_old_python_on_path_does_not_do(folder: Path) -> None:
    add_python(folder / "path" / "python3", OLD)
    done = bootstrap(folder)
    assert done.returncode != 0
    assert "needs Python 3.12 or newer" in done.stderr


def test_a_named_python_that_is_too_old_is_refused(folder: Path) -> None:
    add_python(folder / "path" / "python3.13", NEW)
    old = add_python(folder / "old", OLD)
    done = bootstrap(folder, PYTHON=str(old))
    assert done.returncode != 0
    assert str(old) in done.stderr
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize("place", ["path/python3.12", "path/python3", "home/.pyenv/versions/3.12.1/bin/python"])
def test_it_finds_a_fitting_python_and_installs_with_hashes(folder: Path, place: str) -> None:
    add_python(folder / place, NEW)
    done = bootstrap(folder)
    assert done.returncode == 0, done.stderr
    assert "--require-hashes -r requirements.txt" in (folder / "pip.log").read_text()


def test_it_installs_again_only_when_the_lock_has_changed_also_back(folder: Path) -> None:
    add_python(folder / "path" / "python3", NEW)
    for lock, times in (("one==1\n", 1), ("one==1\n", 1), ("one==2\n", 2), ("one==1\n", 3)):
        (folder / "requirements.txt").write_text(lock)
        assert bootstrap(folder).returncode == 0
        assert len((folder / "pip.log").read_text().splitlines()) == times


def test_a_failed_installation_is_tried_again(folder: Path) -> None:
    add_python(folder / "path" / "python3", NEW)
    (folder / "offline").touch()
    assert bootstrap(folder).returncode != 0
    (folder / "offline").unlink()
    assert bootstrap(folder).returncode == 0
    assert len((folder / "pip.log").read_text().splitlines()) == 2
