"""Filters of the console's list of strategies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.strategies.models import Strategy


class ArchiveFilter(SimpleListFilter):
    """Leave out the archive, or show nothing else: `?archived=yes`."""

    title = "archive"
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        return (("yes", "Archived"),)

    def choices(self, changelist: Any) -> Iterator[Any]:
        for number, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": "In use"} if number == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Strategy]) -> QuerySet[Strategy]:
        return queryset.filter(archived_at__isnull=self.value() != "yes")
