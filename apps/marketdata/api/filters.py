"""Filters of lists by instrument."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet

from apps.marketdata.models import Instrument


class SymbolFilter(django_filters.CharFilter):  # type: ignore[misc]
    """Rows of the instrument of that symbol.

    Its id is found first: PostgreSQL then knows how many rows there are of it, and whether to read them by an index in
    the list's order. By a join, or a subquery, it guesses, and may pass over every row of an owner to find a few.
    """

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        found = Instrument.objects.filter(symbol=value).values_list("pk", flat=True).first()
        return qs.none() if found is None else qs.filter(**{f"{self.field_name}_id": found})
