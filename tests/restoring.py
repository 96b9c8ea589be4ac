"""The database as the migrations leave it, after a test that commits.

Django's own way empties every table, makes content types and permissions again under other numbers, and leaves the
roles out. Here the rows of migrations stay as they are, so that a server which knows their numbers can serve many
tests, and only tables that have rows are emptied.
"""

from __future__ import annotations

from typing import LiteralString, cast

from django.db import connection, transaction
from psycopg import sql

KEPT = "kept"
"""The schema with a copy of each table in which migrations put rows."""


def keep() -> None:
    """Copy what the migrations wrote; once, before the first test."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {KEPT}")
        for table in filled(connection.introspection.table_names(cursor)):
            cursor.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(sql.Identifier(KEPT, table), named(table)))


def restore() -> None:
    """Delete every other row and bring back those that are gone or changed.

    Writers that are not done yet are waited for. No trigger asks whether a row may go, for which the tests' database
    user must be a superuser, as that of the private engines is.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        cursor.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.SQL(", ").join(map(named, tables))))
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [KEPT])
        kept = {name for (name,) in cursor.fetchall()}
        for table in filled([name for name in tables if name not in kept]):
            cursor.execute(sql.SQL("DELETE FROM {}").format(named(table)))
        for table in sorted(kept):
            _bring_back(table)


def named(table: str) -> sql.Identifier:
    return sql.Identifier("public", table)


def filled(tables: list[str]) -> list[str]:
    """Return those that have rows."""
    asked = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} WHERE EXISTS (TABLE {})").format(sql.Literal(table), named(table)) for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [name for (name,) in cursor.fetchall()]


def _bring_back(table: str) -> None:
    now, before = named(table), sql.Identifier(KEPT, table)
    differs: LiteralString = "SELECT EXISTS ((TABLE {0} EXCEPT TABLE {1}) UNION ALL (TABLE {1} EXCEPT TABLE {0}))"
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(differs).format(now, before))
        if cast("tuple[bool]", cursor.fetchone())[0]:
            cursor.execute(sql.SQL("DELETE FROM {}").format(now))
            cursor.execute(sql.SQL("INSERT INTO {} TABLE {}").format(now, before))
