"""Filters of lists, by query parameters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError as FieldRefused
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend, IsoDateTimeFilter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

PAGING = frozenset({"limit", "cursor"})


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc]
    """Refuse a query parameter that the list does not know: a misspelt filter must not return every row."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        known = PAGING | (set(filterset.form.fields) if filterset else set())
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            refusal = f"There is no such parameter; there are {', '.join(sorted(known))}."
            raise ValidationError(dict.fromkeys(unknown, refusal), code="unknown_parameter")
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


class UtcField(IsoDateTimeField):  # type: ignore[misc]
    """A time in UTC: PostgreSQL knows fewer offsets than ISO 8601 can write."""

    def clean(self, value: Any) -> datetime | None:
        time: datetime | None = super().clean(value)
        try:
            return time.astimezone(UTC) if time else None
        except OverflowError as error:
            raise FieldRefused("Give a time between the years 1 and 9999.", code="invalid") from error


class UtcFilter(IsoDateTimeFilter):  # type: ignore[misc]
    field_class = UtcField
