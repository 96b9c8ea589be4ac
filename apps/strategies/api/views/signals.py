"""Reading what strategies said."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.api.requests import signed_in
from apps.common.api.views import ListView
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
