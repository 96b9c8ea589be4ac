"""A list's page by SQL that is put together once.

Of a list's query only the conditions differ from call to call. Django puts the whole of it together each time, which
took longer than PostgreSQL did to answer it. Here the conditions alone are written anew; the statement that belongs to
them is kept. It is found by the very text of its FROM and WHERE, so whatever makes them up (filters, cursors, who may
see which rows), the rows are those of the queryset.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections
from django.db.models import QuerySet
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

from .texts import read_as_texts

MOST_KEPT = 1000
type Shape = tuple[Any, ...]
_kept: dict[Shape, str] = {}


def page_of(rows: QuerySet[Any], columns: Sequence[str], order: Sequence[str], most: int) -> list[tuple[Any, ...]]:
    """Return the first rows in that order as tuples of the columns, whose figures, times and ids are texts."""
    try:
        sql, params = _statement(rows, tuple(columns), tuple(order))
    except EmptyResultSet:
        return []
    with connections[rows.db].cursor() as cursor:
        read_as_texts(cursor.cursor)
        cursor.execute(f"{sql} LIMIT %s", [*params, most])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _statement(rows: QuerySet[Any], columns: tuple[str, ...], order: tuple[str, ...]) -> tuple[str, Sequence[Any]]:
    query = rows.query
    if not _is_plain(query):
        return _whole(rows, columns, order)
    compiler = query.get_compiler(rows.db)
    origin, origin_params = compiler.get_from_clause()
    where, where_params = _where(compiler, query)
    shape = (query.model, rows.db, columns, order, *origin, where)
    sql = _kept.get(shape)
    if sql is None:
        sql, _ = _whole(rows, columns, order)
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[shape] = sql
    return sql, [*origin_params, *where_params]


def _whole(rows: QuerySet[Any], columns: tuple[str, ...], order: tuple[str, ...]) -> tuple[str, Sequence[Any]]:
    chosen = rows.prefetch_related(None).values_list(*columns).order_by(*order)
    return chosen.query.get_compiler(rows.db).as_sql()


def _where(compiler: SQLCompiler, query: Query) -> tuple[str, Sequence[Any]]:
    try:
        sql, params = compiler.compile(query.where)
    except FullResultSet:
        return "", ()
    return sql, params


def _is_plain(query: Query) -> bool:
    """Tell whether the query has nothing but joins and conditions."""
    where = query.where
    return not (
        query.annotations
        or query.distinct
        or query.combinator
        or query.extra
        or query.extra_tables
        or query.is_sliced
        or query.select_for_update
        or query.group_by is not None
        or where.contains_aggregate
        or where.contains_over_clause
    )
