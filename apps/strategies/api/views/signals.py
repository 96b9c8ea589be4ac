"""Reading what strategies said."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.requests import signed_in
from apps.common.api.views import ApiView, ListView, row_or_404
from apps.strategies.api.filters import SignalFilter
from apps.strategies.api.serializers import SignalSerializer
from apps.strategies.models import Signal
from apps.strategies.selectors import signals_of


class SignalsView(ListView):
    """What strategies said, each with what became of it."""

    access = {"GET": "strategies.view_signal"}
    serializer_class = SignalSerializer
    filterset_class = SignalFilter

    def rows(self) -> QuerySet[Signal]:
        return signals_of(signed_in(self.request))


class SignalView(ApiView):
    access = {"GET": "strategies.view_signal"}

    @extend_schema(operation_id="signal_get", responses={200: SignalSerializer})
    def get(self, request: Request, signal_id: uuid.UUID) -> Response:
        """Show a signal."""
        return Response(SignalSerializer(row_or_404(signals_of(signed_in(request)), signal_id)).data)
