"""Rows written together: what a block of work changes goes to the database at its end, in a statement for each table.

Code that changes rows calls `row_add` and `row_save`. By itself each of them writes at once. Within `gathered()` rows
are kept instead: each row is one instance (`row_known`), however often it is asked for, and `written()` brings the
database up to date before something is read from it that the block may have changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.models import Field, Model

from apps.common.prepared import prepared_cursor

type Key = tuple[type[Model], Any]
_current: ContextVar[Gathering | None] = ContextVar("gathering", default=None)


class Gathering:
    """The rows of a block of work: known ones with what was read of them, new ones, and those that were touched."""

    def __init__(self) -> None:
        self._known: dict[Key, Model] = {}
        self._read: dict[Key, dict[str, Any]] = {}
        self._new: dict[Key, Model] = {}
        self._changed: dict[Key, Model] = {}
        self._touched: list[Model] = []
        self._is_spoiled = False

    def spoil(self) -> None:
        """Refuse to write from now on: a part of the work has failed, and its rows are not what they seem."""
        self._is_spoiled = True

    def keep(self, row: Model) -> None:
        """Take a row that was read, and that nobody else can change before the transaction ends."""
        key = (type(row), row.pk)
        self._known[key] = row
        self._read[key] = _values(row)

    def known(self, model: type[Model], pk: Any) -> Model | None:
        return self._known.get((model, pk))

    def add(self, row: Model) -> None:
        key = _key(row)
        self._require_only(key, row)
        self._new[key] = row
        if row.pk is not None:
            self._known[key] = row
        self._touched.append(row)

    def save(self, row: Model) -> None:
        key = _key(row)
        self._require_only(key, row)
        if key not in self._new:
            self._changed[key] = self._known[key] = row
        self._touched.append(row)

    def _require_only(self, key: Key, row: Model) -> None:
        """Refuse what would be lost: a second instance beside the block's own, a row of unknown key."""
        if (self._new.get(key) or self._known.get(key) or row) is not row:
            raise transaction.TransactionManagementError(f"There is another instance of {row!r}: see `row_known`.")
        if row.pk is None and not row._state.adding:
            raise transaction.TransactionManagementError(f"{row!r} was inserted without learning its key.")

    def touched(self) -> list[Model]:
        """Return the rows that were added or saved since the last call, each as often."""
        rows, self._touched = self._touched, []
        return rows

    def write(self) -> None:
        """Bring the database up to date."""
        if self._is_spoiled:
            raise transaction.TransactionManagementError("A part of this work has failed; none of it is written.")
        self._is_spoiled = True  # Until all of it is written: what the database refuses must not be gone on from.
        changed, self._changed = self._changed, {}
        new, self._new = self._new, {}
        for model, rows in _by_model(changed).items():
            rows_update(rows, self._fields(model, rows))
        for rows in _by_model(new).values():
            rows_insert(rows)
        for row in (*changed.values(), *new.values()):
            if row.pk is not None:
                self.keep(row)
        self._is_spoiled = False

    def _fields(self, model: type[Model], rows: list[Model]) -> list[str]:
        """Return the columns in which any of the rows differs from what was read of it."""
        differing: set[str] = set()
        for row in rows:
            read = self._read.get((model, row.pk), {})
            differing |= {name for name, value in _values(row).items() if name not in read or read[name] != value}
        moved = {field.attname for field in model._meta.concrete_fields if getattr(field, "auto_now", False)}
        return sorted((differing | moved) - {_pk(model).attname})


@contextmanager
def gathered() -> Iterator[Gathering]:
    """Gather the rows that are added and saved until the block ends, inside the caller's transaction.

    An inner block belongs to the outer one. After an exception in either nothing is written any more: the transaction
    is void, and an outer block that goes on all the same raises TransactionManagementError.
    """
    outer = _current.get()
    if outer is not None:
        try:
            yield outer
        except BaseException:
            outer.spoil()
            raise
        return
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Rows are gathered inside a transaction.")
    gathering = Gathering()
    token = _current.set(gathering)
    try:
        yield gathering
        gathering.write()
    finally:
        _current.reset(token)


def row_add(row: Model) -> None:
    """Insert a row: now, or with the others of the block."""
    if (gathering := _current.get()) is not None:
        gathering.add(row)
    else:
        row.save(force_insert=True)


def row_save(row: Model, fields: Collection[str] | None = None) -> None:
    """Update a row that the caller has locked: now, its `fields` or all; or at the block's end, what has changed."""
    if (gathering := _current.get()) is not None:
        gathering.save(row)
    else:
        row.save(update_fields=fields)


def row_known[Row: Model](model: type[Row], pk: Any) -> Row | None:
    """Return the block's instance of a row that it has locked; None where it has not, and outside of any block."""
    gathering = _current.get()
    return None if gathering is None else gathering.known(model, pk)  # type: ignore[return-value]


def rows_keep(rows: Iterable[Model]) -> None:
    """Make these rows, which were read and locked just now, the block's instances, where it has none of them yet."""
    if (gathering := _current.get()) is not None:
        for row in rows:
            if gathering.known(type(row), row.pk) is None:
                gathering.keep(row)


def written() -> None:
    """Write what the block has gathered so far, for the next query to find it."""
    if (gathering := _current.get()) is not None:
        gathering.write()


def rows_insert(rows: Collection[Model], *, skips_known: bool = False) -> None:
    """Insert rows of one model in one statement, those that have no key yet without learning it.

    With `skips_known` those are left out that a unique constraint refuses.
    """
    model, has_key = type(next(iter(rows))), all(row.pk is not None for row in rows)
    fields = tuple(field for field in model._meta.concrete_fields if has_key or not field.primary_key)
    with prepared_cursor() as cursor:
        sql, values = _insert(model, fields, rows)
        cursor.execute(f"{sql} ON CONFLICT DO NOTHING" if skips_known else sql, values)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def rows_update(rows: Collection[Model], names: Iterable[str]) -> None:
    """Update these columns of rows of one model, each row by its own values, in one statement."""
    model = type(next(iter(rows)))
    key, wanted = _pk(model), set(names)
    fields = (key, *(field for field in model._meta.concrete_fields if field.attname in wanted))
    if len(fields) == 1:
        return
    with prepared_cursor() as cursor:
        cursor.execute(_update_sql(model, fields), [[_prepared(field, row, False) for row in rows] for field in fields])


def _insert(model: type[Model], fields: tuple[Field[Any, Any], ...], rows: Collection[Model]) -> tuple[str, list[Any]]:
    """Return the statement and its values: of one row as they are, of more as an array for each column."""
    if len(rows) == 1:
        row = next(iter(rows))
        return _insert_sql(model, fields, is_single=True), [_prepared(field, row, True) for field in fields]
    return _insert_sql(model, fields, is_single=False), [
        [_prepared(field, row, True) for row in rows] for field in fields
    ]


@cache
def _insert_sql(model: type[Model], fields: tuple[Field[Any, Any], ...], *, is_single: bool) -> str:
    quoted = connection.ops.quote_name
    columns = ", ".join(quoted(str(field.column)) for field in fields)
    places = ", ".join("%s" for _ in fields)
    rows = f"VALUES ({places})" if is_single else f"SELECT * FROM unnest({_arrays(fields)})"  # noqa: S608 - names
    return f"INSERT INTO {quoted(model._meta.db_table)} ({columns}) {rows}"


@cache
def _update_sql(model: type[Model], fields: tuple[Field[Any, Any], ...]) -> str:
    """Return the statement that sets all but the first of the fields, by which rows are found."""
    quoted = connection.ops.quote_name
    key, *changed = (quoted(str(field.column)) for field in fields)
    sets = ", ".join(f"{column} = new.{column}" for column in changed)
    new = f"unnest({_arrays(fields)}) AS new ({', '.join([key, *changed])})"
    return f"UPDATE {quoted(model._meta.db_table)} AS old SET {sets} FROM {new} WHERE old.{key} = new.{key}"  # noqa: S608 - names


def _arrays(fields: Iterable[Field[Any, Any]]) -> str:
    return ", ".join(f"%s::{_type(field)}[]" for field in fields)


def _prepared(field: Field[Any, Any], row: Model, is_new: bool) -> Any:
    value = field.get_db_prep_save(field.pre_save(row, add=is_new), connection)
    return str(value) if isinstance(value, str) else value  # An array takes no mixture of words and plain text.


def _type(field: Field[Any, Any]) -> str:
    """Return the column's type without its length: a cast would cut a word that is too long, which a column refuses."""
    kind = field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
    return str(kind).split("(")[0]


def _key(row: Model) -> Key:
    return type(row), row.pk if row.pk is not None else id(row)


def _values(row: Model) -> dict[str, Any]:
    kept = row.__dict__
    return {field.attname: kept[field.attname] for field in row._meta.concrete_fields if field.attname in kept}


def _by_model(rows: dict[Key, Model]) -> dict[type[Model], list[Model]]:
    found: dict[type[Model], list[Model]] = {}
    for (model, _), row in rows.items():
        found.setdefault(model, []).append(row)
    return found


def _pk(model: type[Model]) -> Field[Any, Any]:
    key = model._meta.pk
    assert key is not None  # noqa: S101 - every model has one
    return key
