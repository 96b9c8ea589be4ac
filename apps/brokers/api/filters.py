from __future__ import annotations

import django_filters as filters

from apps.brokers.models import BrokerKind
from apps.common.api.filters import TruthFilter


class ConnectionFilter(filters.FilterSet):  # type: ignore[misc]
    kind = filters.ChoiceFilter(choices=BrokerKind.choices)
    exchange = filters.CharFilter()
    is_live = TruthFilter()
    is_active = TruthFilter()
