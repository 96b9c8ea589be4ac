from __future__ import annotations

import django_filters as filters

from algotrendy.trading.values import PositionSide
from apps.common.api.filters import TruthFilter, UtcFilter
from apps.common.models import choices_of


class PortfolioFilter(filters.FilterSet):  # type: ignore[misc]
    name = filters.CharFilter()
    is_simulation = TruthFilter()


class PositionFilter(filters.FilterSet):  # type: ignore[misc]
    portfolio = filters.UUIDFilter(field_name="portfolio_id")
    symbol = filters.CharFilter(field_name="instrument__symbol")
    book = filters.CharFilter()
    side = filters.ChoiceFilter(choices=choices_of(PositionSide))
    open = TruthFilter(field_name="closed_at", lookup_expr="isnull")


class EquityFilter(filters.FilterSet):  # type: ignore[misc]
    since = UtcFilter(field_name="at", lookup_expr="gte", label="Market time, inclusive.")
    until = UtcFilter(field_name="at", lookup_expr="lt", label="Market time, exclusive.")
