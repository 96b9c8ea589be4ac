"""Filters of lists, by query parameters."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError as FieldRefused
from django.db.models import QuerySet
from django_filters import BooleanFilter
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend, FilterSet, IsoDateTimeFilter
from django_filters.utils import translate_validation
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

PAGING = frozenset({"limit", "cursor"})


class TruthField(forms.Field):
    """`true` or `false`; Django's own field takes every other word for no wish at all."""

    widget = forms.TextInput
    default_error_messages = {"invalid": "Give true or false."}

    def to_python(self, value: str | None) -> bool | None:
        if value in self.empty_values:
            return None
        truth = {"true": True, "false": False}.get(str(value).lower())
        if truth is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return truth


class TruthFilter(BooleanFilter):  # type: ignore[misc]
    field_class = TruthField


class StrictFilterBackend(DjangoFilterBackend):  # type: ignore[misc]
    """Refuse a query parameter that the list does not know, or that is empty.

    A misspelt filter, or one whose value a client has lost, must not return every row.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        filterset = self.get_filterset_class(view, queryset)
        known = PAGING | (set(filterset.base_filters) if filterset else set())
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            refusal = f"There is no such parameter; there are {', '.join(sorted(known))}."
            raise ValidationError(dict.fromkeys(unknown, refusal), code="unknown_parameter")
        empty = sorted(name for name, values in request.query_params.lists() if "" in values and name not in PAGING)
        if empty:
            raise ValidationError(dict.fromkeys(empty, "Give a value, or leave it out."), code="empty_parameter")
        asked_for = frozenset(request.query_params) - PAGING
        if filterset is None or (not asked_for and filterset.filter_queryset is FilterSet.filter_queryset):
            return queryset
        asked = _narrowed(filterset, asked_for)
        bound = asked(**self.get_filterset_kwargs(request, queryset, view))
        if not bound.is_valid():
            raise translate_validation(bound.errors)
        filtered: QuerySet[Any] = bound.qs
        return filtered


class _OneForm(FilterSet):  # type: ignore[misc]
    """A filter set whose form is declared once: no filter's field depends on the request."""

    declared: type[forms.Form] | None = None

    def get_form_class(self) -> type[forms.Form]:
        kind = type(self)
        if kind.declared is None:
            kind.declared = super().get_form_class()
        return kind.declared


@lru_cache(maxsize=1000)
def _narrowed(filterset: type[FilterSet], names: frozenset[str]) -> type[FilterSet]:
    """Return the filter set with only these filters: each request copies every filter, and asks for few."""
    narrowed = type(filterset.__name__, (_OneForm, filterset), {})
    narrowed.base_filters = {name: kept for name, kept in filterset.base_filters.items() if name in names}
    return narrowed


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
