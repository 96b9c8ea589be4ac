"""Queries that Django puts together once in a process, and that are then asked with other values.

Putting its SQL together is more than half of what a small query costs Django (ADR 16). Where an order's way would pay
for it a dozen times, the query is written as always, with `Given` where its values go:

    held = Prepared(lambda: Position.objects.filter(portfolio=Given("portfolio"), closed_at=None))
    held(portfolio=portfolio.pk)        # a list of positions
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import psycopg
import psycopg.sql
from django.db import connection, models, transaction
from django.db.models import Expression, Lookup, QuerySet
from django.db.models.fields.related import ForeignObject
from django.db.models.sql.compiler import SQLCompiler


class Given(Expression):
    """The place of a value that is known when the query is asked."""

    def __init__(self, name: str) -> None:
        super().__init__(output_field=models.Field())
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", [self]


@ForeignObject.register_lookup
@models.Field.register_lookup
class IsAny(Lookup):
    """`pk__any=Given("ids")`: the column is one of a list's values, however long the list is."""

    lookup_name = "any"

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        column, before = self.process_lhs(compiler, connection)
        value, after = self.process_rhs(compiler, connection)
        return f"{column} = ANY({value})", [*before, *after]


class Prepared[Row]:
    """A query by the names of what it is given; each call asks the database anew and returns the rows.

    PostgreSQL plans it once for a connection. What does not change is part of its text, so that partial indexes serve.
    """

    def __init__(self, build: Callable[[], QuerySet[Any, Row]]) -> None:
        self._build = build

    def __call__(self, **given: Any) -> list[Row]:
        compiled = self._compiled
        if compiled.queryset.query.select_for_update and not connection.in_atomic_block:
            raise transaction.TransactionManagementError("Rows are locked inside a transaction.")
        with prepared_cursor() as cursor:
            cursor.execute(compiled.sql, [given[name] for name in compiled.names])
            found = cursor.fetchall()
        asked: Any = _Asked(compiled, found)
        rows: Any = compiled.queryset._iterable_class(asked)
        return list(rows)

    def first(self, **given: Any) -> Row | None:
        """Return the first row; None where there is none."""
        return next(iter(self(**given)), None)

    def one(self, **given: Any) -> Row:
        """Return the only row; raise its model's DoesNotExist where there is none."""
        found = self.first(**given)
        if found is None:
            model = self._compiled.queryset.model
            raise model.DoesNotExist(f"There is no {model._meta.verbose_name} of {given}.")
        return found

    @cached_property
    def _compiled(self) -> _Compiled[Row]:
        """What is known of the query. Threads that ask at once each make it for themselves: any of them is whole."""
        queryset: Any = self._build()
        compiler: Any = queryset.query.get_compiler("default")
        sql, values = compiler.as_sql()
        compiler.converters = compiler.get_converters([each[0] for each in compiler.select])
        # The server is given the values once more: what stands for a percent sign does so until then.
        literals = ["%s" if isinstance(value, Given) else _literal(value) for value in values]
        sql = sql.replace("%%", "%%%%") % tuple(literals)
        return _Compiled(queryset, compiler, sql, [value.name for value in values if isinstance(value, Given)])


class _Compiled[Row](NamedTuple):
    """A query with its columns' compiler, its SQL, and the names of its values in their order."""

    queryset: QuerySet[Any, Row]
    compiler: Any
    sql: str
    names: list[str]


def prepared_cursor() -> Any:
    """Return a cursor whose statements the server parses and plans once for a connection."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return connection._prepare_cursor(_Cursor(connection.connection))  # type: ignore[attr-defined]


class _Cursor(psycopg.Cursor[Any]):
    """A cursor that knows what it has asked, for Django's log of queries, also of a statement that is prepared."""

    def _send_query_prepared(self, name: bytes, pgq: Any, *, binary: bool | None = None) -> None:
        self._query = pgq
        super()._send_query_prepared(name, pgq, binary=binary)


def _literal(value: Any) -> str:
    return psycopg.sql.Literal(value).as_string(connection.connection).replace("%", "%%")


class _Asked:
    """What Django's iterables take of a queryset: its columns as they are known, and the rows as they were found."""

    db = "default"

    def __init__(self, compiled: _Compiled[Any], found: list[tuple[Any, ...]]) -> None:
        self.model, self.query = compiled.queryset.model, self
        self._known_related_objects: dict[Any, Any] = {}
        self._queryset, self._known, self._found = compiled.queryset, compiled.compiler, found

    def get_compiler(self, using: str) -> Any:
        compiler: Any = self._queryset.query.get_compiler(using)
        for name in ("select", "klass_info", "annotation_col_map", "col_count"):
            setattr(compiler, name, getattr(self._known, name))
        compiler.get_converters = lambda expressions: self._known.converters
        compiler.execute_sql = lambda *args, **kwargs: [self._found]
        return compiler
