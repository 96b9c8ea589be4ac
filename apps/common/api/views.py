"""What views are built of; a view is an input serializer, a service and an output serializer."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Model, QuerySet
from django.http import Http404
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from rest_framework.exceptions import APIException
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from .outlines import Outline
from .renderers import Exact
from .serializers import RowSerializer


class CountedCalls(APIView):
    """Find out who calls, count the call, and only then look at permissions: refused calls count too."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        try:
            self.perform_authentication(request)
        except APIException:  # who cannot prove who they are is counted by address
            self.check_throttles(request)
            raise
        self.check_throttles(request)
        super().initial(request, *args, **kwargs)


@method_decorator(conditional_page, name="dispatch")
class Revalidated(CountedCalls):
    """What browsers and proxies may keep, if they ask each time by its ETag whether it is still so."""

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        final = super().finalize_response(request, response, *args, **kwargs)
        if final.status_code == 200:
            patch_cache_control(final, public=True, no_cache=True)
        return final


class ApiView(CountedCalls):
    """What every view of the API is."""


class ListView(CountedCalls, ListAPIView):  # type: ignore[type-arg]
    """A filtered list, page by page; `rows` returns what the user may see.

    Where the serializer has an outline of columns, just those are read, and no instances are made.
    """

    def rows(self) -> QuerySet[Any]:
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):  # The schema is made without a user.
            return self.get_serializer_class().Meta.model.objects.none()  # type: ignore[attr-defined, no-any-return]
        return self.rows()

    @property
    def outline(self) -> Outline | None:
        serializer = self.get_serializer_class()
        return serializer.outline() if issubclass(serializer, RowSerializer) else None

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns that a page is read as; None where it needs instances."""
        return self.outline.columns if self.outline else None

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        outline = self.outline
        if outline is None or outline.columns is None:
            return super().list(request, *args, **kwargs)
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(outline.of_page(page or ()))

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        if self.outline is not None and self.outline.is_exact(data):
            response.data = Exact(response.data)
        return response


def checked(serializer: type[BaseSerializer[Any]], request: Request, **kwargs: Any) -> dict[str, Any]:
    """Return the request's checked input; raise what becomes a problem with an error for each field."""
    form = serializer(data=request.data, context={"request": request}, **kwargs)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def row_or_404[Row: Model](rows: QuerySet[Row], row_id: uuid.UUID) -> Row:
    """Return the row of those that the user may see; another's row is as good as missing."""
    row = rows.filter(pk=row_id).first()
    if row is None:
        raise Http404
    return row
