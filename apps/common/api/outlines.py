"""Rows given out fast: a serializer's fields are looked at once, not built again for every request and row.

An outline says the same as the serializer that it is made of, which stays what is declared, checked and documented;
`tests/integration/test_lists.py` holds the two against each other. It reads a model's instance, or, where all fields
are columns, a page of tuples of just those, as `statements.page_of` gives them. A serializer with anything of its own
(a method field, rows in rows) has no outline and is slow.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from operator import attrgetter
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.constants import LOOKUP_SEP
from rest_framework import serializers
from rest_framework.fields import Field, empty

from .fields import AmountField, UtcDateTimeField, plain
from .texts import is_readable, output_of, value_of

type Convert = Callable[[Any], Any] | None
"""What a value goes through, unless it is None; None for nothing."""
AS_THEY_ARE: dict[type[Field[Any, Any, Any, Any]], tuple[type[models.Field[Any, Any]], ...]] = {
    serializers.UUIDField: (models.UUIDField,),
    serializers.CharField: (models.CharField, models.TextField),
    serializers.EmailField: (models.CharField,),
    serializers.SlugField: (models.CharField,),
    serializers.RegexField: (models.CharField,),
    serializers.ChoiceField: (models.CharField,),
    serializers.IntegerField: (models.IntegerField, models.AutoField),
    serializers.BigIntegerField: (models.IntegerField,),
    serializers.IPAddressField: (models.GenericIPAddressField,),
    serializers.FloatField: (models.FloatField,),
    serializers.BooleanField: (models.BooleanField,),
    serializers.DictField: (models.JSONField,),
    serializers.JSONField: (models.JSONField,),
    UtcDateTimeField: (models.DateTimeField,),
}
"""Fields that give a column's value out as the database has it; a time in UTC is the encoder's business."""
LEAVES = (*AS_THEY_ARE, AmountField)
LOOSE = (serializers.FloatField, serializers.DictField, serializers.JSONField)
"""Fields whose numbers may look different from another encoder."""


type Page = Sequence[Sequence[Any]]
"""A page's rows, column by column."""
type Tell = Callable[[Page], Sequence[Any]]
"""What gives a field's outputs."""
type Reads = Sequence[tuple[int, Convert]]
"""Where columns are on a page, and what makes values of their texts."""


@dataclass(frozen=True, slots=True)
class Part:
    """A field of the output.

    It is read from an instance, or, where `columns` names any, from a page: it is the only one of them, or the property
    that reads them.
    """

    name: str
    of_instance: Callable[[Any], Any]
    convert: Convert
    is_optional: bool
    columns: dict[str, models.Field[Any, Any]]
    property: Callable[[Any], Any] | None = None


class Outline:
    """How a serializer's rows look. `columns` are those to read a page of; None where instances are needed."""

    def __init__(self, parts: Sequence[Part], loose: Sequence[str]) -> None:
        self._parts, self._loose = parts, loose
        self._names = [part.name for part in parts]
        self.columns: tuple[str, ...] | None = None
        if all(part.columns for part in parts):
            self.columns = tuple(dict.fromkeys(name for part in parts for name in part.columns))
            self._tell = [_tell(part, self.columns) for part in parts]

    def of_page(self, rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """Return the outputs of tuples that begin with the columns; it goes column by column, which is faster."""
        columns = list(zip(*rows, strict=True))
        told = zip(*(tell(columns) for tell in self._tell), strict=True) if rows else ()
        return [dict(zip(self._names, values, strict=True)) for values in told]

    def of_instance(self, row: Any) -> dict[str, Any]:
        told = {}
        for part in self._parts:
            try:
                value = part.of_instance(row)
            except AttributeError:
                if not part.is_optional:
                    raise
                value = None
            told[part.name] = value if value is None or part.convert is None else part.convert(value)
        return told

    def is_exact(self, told: Sequence[dict[str, Any]]) -> bool:
        """Tell whether every encoder writes these outputs with the same characters."""
        return all(_is_exact(each[name]) for name in self._loose for each in told)


@cache
def outline_of(serializer: type[Any]) -> Outline | None:
    """Return the outline of a model serializer; None where it must do its work itself."""
    fields = [field for field in serializer().fields.values() if not field.write_only]
    parts = [_part(serializer, field) for field in fields]
    if None in parts:
        return None
    loose = [field.field_name for field in fields if isinstance(field, LOOSE)]
    return Outline([part for part in parts if part is not None], loose)


def _part(serializer: type[Any], field: Any) -> Part | None:
    model, path = serializer.Meta.model, list(field.source_attrs)
    column = _column(model, path)
    if type(field) is serializers.PrimaryKeyRelatedField and isinstance(column, models.ForeignKey):
        return Part(field.field_name, attrgetter(column.attname), None, False, {column.attname: column})
    is_optional = field.allow_null or field.default is None
    if (
        field.default not in (empty, None)
        or not _is_leaf(field, column)
        or (len(path) > 1 and (column is None or not (is_optional or _is_whole(model, path))))
    ):
        return None
    read = attrgetter(".".join(path))
    convert: Convert = plain if type(field) is AmountField else field.to_representation
    if column is not None:
        columns = {LOOKUP_SEP.join(path): column} if _is_text(field, column) else {}
        return Part(field.field_name, read, convert, is_optional, columns)
    reads = getattr(serializer.Meta, "reads", {}).get(field.field_name, ())
    columns = {name: model._meta.get_field(name) for name in reads}
    return Part(field.field_name, read, convert, is_optional, columns, getattr(model, path[0]).fget if reads else None)


def _is_text(field: Any, column: models.Field[Any, Any]) -> bool:
    """Tell whether the field gives the column out in the form of `texts`."""
    kinds = (models.DecimalField,) if type(field) is AmountField else AS_THEY_ARE.get(type(field), ArrayField)
    return isinstance(column, kinds) and is_readable(column)


def _tell(part: Part, columns: tuple[str, ...]) -> Tell:
    """Return what gives the part's outputs of a page of these columns."""
    at = [columns.index(name) for name in part.columns]
    if part.property is None:
        (column,) = part.columns.values()
        return partial(_converted, at[0], output_of(column))
    reads = list(zip(at, map(value_of, part.columns.values()), strict=True))
    return partial(_computed, part.property, part.convert, namedtuple("Read", part.columns), reads)


def _converted(at: int, convert: Convert, columns: Page) -> Sequence[Any]:
    """Return a column, converted where there is anything in it."""
    values = columns[at]
    if convert is None or values.count(None) == len(values):
        return values
    return [None if value is None else convert(value) for value in values]


def _computed(
    read: Callable[[Any], Any], convert: Convert, row: Callable[..., Any], reads: Reads, columns: Page
) -> Sequence[Any]:
    """Return what a property of the model gives of some columns' values."""
    rows = map(row, *(_converted(at, value, columns) for at, value in reads))
    return _converted(0, convert, [list(map(read, rows))])


def _is_leaf(field: Any, column: models.Field[Any, Any] | None) -> bool:
    """Tell whether the field's form of a value depends on the value alone."""
    if type(field) is serializers.ListField and type(field.child) is serializers.CharField:
        return isinstance(column, ArrayField) and isinstance(column.base_field, models.CharField)
    return type(field) in LEAVES


def _is_whole(model: type[models.Model], path: list[str]) -> bool:
    """Tell whether each row on the way is always there; without it the whole field is left out of the output."""
    columns = [_column(model, path[: length + 1]) for length in range(len(path) - 1)]
    return not any(column is None or column.null for column in columns)


def _column(model: type[models.Model], path: list[str]) -> models.Field[Any, Any] | None:
    """Return the column that the path of attributes ends in; None where one of them is no column."""
    column: Any = None
    for name in path:
        try:
            column = model._meta.get_field(name)
        except FieldDoesNotExist:
            return None
        if not getattr(column, "concrete", False) or column.many_to_many:
            return None
        model = column.related_model or model
    return column  # type: ignore[no-any-return]


def _is_exact(value: Any) -> bool:
    """Tell whether numbers in the value have one form: not those that are written with an exponent, or are none."""
    match value:
        case None | str() | bool() | Decimal():
            return True
        case int():
            return abs(value) < 2**63
        case float():
            return value == 0 or 1e-4 <= abs(value) < 1e15
        case dict():
            return all(map(_is_exact, value.values()))
        case list():
            return all(map(_is_exact, value))
    return False
