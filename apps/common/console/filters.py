"""Filters of the console's lists."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.http import HttpRequest


class StateFilter(SimpleListFilter):
    """Narrow a list to one state, named in the URL as `?state=…`."""

    title = "state"
    parameter_name = "state"
    choices_shown: ClassVar[tuple[tuple[str, str], ...]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> tuple[tuple[str, str], ...]:
        return self.choices_shown
