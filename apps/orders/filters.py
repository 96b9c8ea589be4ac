"""Filters of the orders list."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from algotrendy.trading.orders import TERMINAL, WORKING
from apps.common.console.filters import StateFilter


class WorkingFilter(StateFilter):
    """Orders that can still trade, or those that are finished."""

    choices_shown = (("open", "Open"), ("finished", "Finished"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        statuses = {"open": WORKING, "finished": TERMINAL}.get(str(self.value()))
        return queryset if statuses is None else queryset.filter(status__in=statuses)
