"""The console's model pages: what a user may see is what the selectors give, what is done is done by services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin

from algotrendy.trading.errors import TradingError


class ConsoleAdmin(ModelAdmin):
    """Show the rows that the `visible` selector gives the user; nothing is deleted in bulk."""

    visible: ClassVar[Callable[[Any], QuerySet[Any]] | None] = None
    actions = None
    list_fullwidth = True
    list_filter_submit = True
    list_per_page = 50
    compressed_fields = True
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = type(self).visible
        if visible is None:
            return super().get_queryset(request)
        ordering = self.get_ordering(request)
        rows = visible(request.user)
        return rows.order_by(*ordering) if ordering else rows

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Turn a service's refusal into a message; nothing of the change stays."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except TradingError as error:
            messages.error(request, error.message)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return HttpResponseRedirect(request.get_full_path())


class OwnedByService(ConsoleAdmin):
    """A model whose rows only services write; its page has no delete."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class FactAdmin(OwnedByService):
    """Something that happened: seen, never added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
