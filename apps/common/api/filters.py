"""Filters of lists, by query parameters."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
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
