"""Confirmations: each says what will happen, is a POST with a token, and ends in one service call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.forms import BaseDialogForm

from algotrendy.trading.errors import TradingError


class ConfirmForm(BaseDialogForm):
    """A dialog about one row that the user may see, or about all of them; a row of another's is not found."""

    may_submit = True
    consequence = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row: Any = self._load() if self.object_id is not None else None
        self.facts = self.describe()

    def rows(self) -> QuerySet[Any]:
        """Return the rows that the user may see."""
        raise NotImplementedError

    def describe(self) -> list[tuple[str, object]]:
        """Return what the person is about to change, as names and values."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any] | None:
        if not self.may_submit:
            raise ValidationError(self.consequence)
        return super().clean()

    def _load(self) -> Any:
        try:
            return self.rows().get(pk=self.object_id)
        except (self.rows().model.DoesNotExist, ValidationError, ValueError):
            raise Http404 from None


def act(request: HttpRequest, work: Callable[[], object], *, done: str | Callable[[], str], back: str) -> HttpResponse:
    """Do the work and go back to a page with a message, which may depend on the work; a refusal is the message."""
    try:
        work()
    except TradingError as error:
        messages.error(request, error.message)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, done if isinstance(done, str) else done())
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": back})
    return HttpResponseRedirect(back)
