"""A migrated database that stays in the private engine between runs; each run's own is a copy of it."""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import inspect
import os
from collections.abc import Iterator
from pathlib import Path

import django
from django.db import ProgrammingError, connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from apps.common.embedded import MARK

PREFIX = "migrated_"
PROJECT = Path(__file__).resolve().parents[1]


@functools.cache
def template() -> str:
    """Return the template's name, which is another one for other migrations and for another Django."""
    digest = hashlib.sha256(django.__version__.encode())
    for file in sorted(_sources()):
        digest.update(str(file).encode())
        digest.update(file.read_bytes())
    return PREFIX + digest.hexdigest()[:16]


def use() -> None:
    """Let the test database be made from the template, where there is one."""
    if template() in _templates():
        connection.settings_dict["TEST"]["TEMPLATE"] = template()


def store() -> None:
    """Make the template from the test database just migrated, in place of those of other migrations."""
    known, name = _templates(), template()
    if MARK not in os.environ or name in known:
        return
    connection.close()  # A database is copied only while nobody is in it.
    with connection._nodb_cursor() as cursor, contextlib.suppress(ProgrammingError):  # Or another run does so now.
        for old in known:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(old)))
        source = sql.Identifier(connection.settings_dict["NAME"])
        cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source))


def _templates() -> list[str]:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{PREFIX}%"])
        return [name for (name,) in cursor.fetchall()]


def _sources() -> set[Path]:
    """Return the files of all migrations and of what those of the platform import of it, such as fields and roles."""
    found = {Path(inspect.getfile(type(each))) for each in MigrationLoader(None).disk_migrations.values()}
    for file in [file for file in found if file.is_relative_to(PROJECT / "apps")]:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [each.name for each in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}", *(f"{node.module}.{name}" for name in names)]
            found |= {PROJECT / path for name in names for path in _files(name)}
    return found


def _files(module: str) -> Iterator[Path]:
    path = PROJECT / module.replace(".", "/")
    yield from (file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists())
