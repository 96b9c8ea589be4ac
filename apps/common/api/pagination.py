"""Paging by key: a page starts after the last row of the one before, wherever rows were added meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError as FieldRefused
from django.db.models import Model, Q
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from .statements import page_of
from .texts import value_of

MAX_LIMIT = 500
DEFAULT_LIMIT = 100
NEWEST_FIRST = ("-created_at", "-id")


class KeysetPagination(BasePagination):
    """Page through a queryset in the view's `keyset` order (newest first unless it says otherwise).

    The order must be total (end in a unique column), in one direction, and over columns that are never empty. Where
    the view names `columns`, rows are tuples that begin with them (see `statements`).
    """

    next_cursor: str | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        keyset: Sequence[str] = getattr(view, "keyset", NEWEST_FIRST)
        limit = _limit_of(request)
        cursor = request.query_params.get("cursor")
        if cursor is not None:
            queryset = queryset.filter(_after(queryset.model, keyset, _decode(cursor, queryset.model, keyset)))
        columns: Sequence[str] | None = getattr(view, "columns", None)
        if columns is None:
            rows = list(queryset.order_by(*keyset)[: limit + 1])
        else:
            rows = page_of(queryset, _with_keys(columns, keyset), keyset, limit + 1)
        if len(rows) > limit:
            self.next_cursor = _encode(_key_of(rows[limit - 1], queryset.model, columns, keyset), keyset)
        return rows[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.next_cursor})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        after = "Give it as `cursor` to read on; null on the last page."
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {"type": "string", "nullable": True, "description": after},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
        return [
            {"name": "limit", "in": "query", "description": "Rows on a page.", "schema": limit},
            {"name": "cursor", "in": "query", "description": "The page before's `next`.", "schema": {"type": "string"}},
        ]


def _limit_of(request: Request) -> int:
    given = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (given.isascii() and given.isdigit() and len(given) <= 6 and 1 <= int(given) <= MAX_LIMIT):
        raise ValidationError({"limit": f"Give a whole number from 1 to {MAX_LIMIT}."}, code="invalid_limit")
    return int(given)


def _after(model: type[Model], keyset: Sequence[str], values: Sequence[Any]) -> Q:
    """Return the filter on the rows that come after these values.

    The first column is also bounded by itself: that is what lets PostgreSQL enter an index at the right place.
    """
    operator = "lt" if keyset[0].startswith("-") else "gt"
    names = [name.lstrip("-") for name in keyset]
    after = Q()
    for index, name in enumerate(names):
        same = {names[before]: values[before] for before in range(index)}
        after |= Q(**same, **{f"{name}__{operator}": values[index]})
    return Q(**{f"{names[0]}__{operator}e": values[0]}) & after


def _with_keys(columns: Sequence[str], keyset: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*columns, *(name.lstrip("-") for name in keyset)]))


def _key_of(row: Any, model: type[Model], columns: Sequence[str] | None, keyset: Sequence[str]) -> list[Any]:
    """Return what the row has in the keyset's columns."""
    names = [name.lstrip("-") for name in keyset]
    if columns is None:
        return [getattr(row, name) for name in names]
    read = dict(zip(_with_keys(columns, keyset), row, strict=True))
    found = [(read[name], value_of(model._meta.get_field(name))) for name in names]
    return [text if value is None else value(text) for text, value in found]


def _encode(values: Sequence[Any], keyset: Sequence[str]) -> str:
    texts = [_text(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps([",".join(keyset), *texts]).encode()).decode().rstrip("=")


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _decode(cursor: str, model: type[Model], keyset: Sequence[str]) -> list[Any]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        order, *values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if order != ",".join(keyset):
            raise ValueError("another order")
        return [_value(model, name, text) for name, text in zip(keyset, values, strict=True)]
    except (ValueError, TypeError, binascii.Error, RecursionError, OverflowError, FieldRefused) as error:
        refusal = "This is no cursor of this list; leave it out to start again."
        raise ValidationError({"cursor": refusal}, code="invalid_cursor") from error


def _value(model: type[Model], name: str, text: Any) -> Any:
    """Return the column's value of a cursor's text; raise ValueError or Django's ValidationError."""
    if not isinstance(text, str) or not text.isprintable():
        raise ValueError("not a text")
    column: Any = model._meta.get_field(name.lstrip("-"))
    value = column.to_python(text)
    if value is None or (isinstance(value, datetime) and value.tzinfo is None):
        raise ValueError("not a full value")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError("beyond any id")
    # PostgreSQL knows fewer offsets than ISO 8601 can write.
    return value.astimezone(UTC) if isinstance(value, datetime) else value
