"""The private engines' choices that need no server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from apps.common.embedded import EngineError, binaries, engines, placeholders
from apps.common.embedded.locks import FileLock, is_held
from apps.common.embedded.place import Place, find_place
from apps.common.embedded.servers import write_private

VARIABLES = ("DATABASE_URL", "DATABASE_URL_FILE", "REDIS_URL", "REDIS_URL_FILE", "SECRET_KEY", "ALGOTRENDY_EMBEDDED")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return the environment without any address."""
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    return monkeypatch


def test_nothing_is_started_or_made_where_both_addresses_are_set(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bare.setenv("DATABASE_URL", "postgresql://db.example/prod")
    bare.setenv("REDIS_URL_FILE", "/run/secrets/redis_url")
    with engines(tmp_path / "var") as running:
        assert running.check() == []
        assert "ALGOTRENDY_EMBEDDED" not in os.environ
    assert os.environ["DATABASE_URL"] == "postgresql://db.example/prod"
    assert not (tmp_path / "var").exists()


def test_placeholders_leave_a_configured_server_alone(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("DATABASE_URL", "postgresql://db.example/prod")
    bare.setenv("REDIS_URL", "redis://cache.example/0")
    placeholders()
    assert os.environ["DATABASE_URL"] == "postgresql://db.example/prod"
    assert "SECRET_KEY" not in os.environ
    assert "ALGOTRENDY_EMBEDDED" not in os.environ


@pytest.mark.parametrize(
    ("find", "names"), [(binaries.find_postgres, ("PostgreSQL",)), (binaries.find_valkey, ("Valkey", "Redis"))]
)
def test_a_platform_without_servers_is_told_the_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, find: object, names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(binaries, "_package", lambda name: None)
    monkeypatch.setattr(binaries, "DEBIAN_SERVERS", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(EngineError) as caught:
        find(Place(tmp_path, tmp_path, None))  # type: ignore[operator]
    message = str(caught.value)
    assert all(word in message for word in (*names, "PATH", "DATABASE_URL", "REDIS_URL"))
    assert "\n" not in message


def test_servers_on_path_are_used_where_there_is_no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("postgres", "initdb", "redis-server"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setattr(binaries, "_package", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    place = Place(tmp_path, tmp_path, None)
    assert binaries.find_postgres(place) == tmp_path
    assert binaries.find_valkey(place) == tmp_path / "redis-server"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=r"file.* cannot be written .*ALGOTRENDY_VAR"):
        find_place(tmp_path / "file" / "var")


def test_a_lock_is_seen_shared_and_let_go(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire(shared=True)
    assert second.acquire(shared=True)
    assert not FileLock(tmp_path / "lock").acquire()
    assert not first.try_sole()
    assert second.try_sole()
    assert is_held(tmp_path / "lock")
    second.release()
    assert not is_held(tmp_path / "lock")


def test_a_private_file_is_replaced_whole_and_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
