from __future__ import annotations

import django_filters as filters

from algotrendy.trading.orders import OrderStatus
from algotrendy.trading.values import OrderType, Side
from apps.common.api.filters import UtcFilter
from apps.common.models import choices_of
from apps.marketdata.api.filters import SymbolFilter


class OrderFilter(filters.FilterSet):  # type: ignore[misc]
    status = filters.MultipleChoiceFilter(
        choices=choices_of(OrderStatus), distinct=False, label="Repeat it for any of several."
    )
    symbol = SymbolFilter(field_name="instrument")
    portfolio = filters.UUIDFilter(field_name="portfolio_id")
    strategy = filters.UUIDFilter(field_name="strategy_id")
    side = filters.ChoiceFilter(choices=choices_of(Side))
    type = filters.ChoiceFilter(choices=choices_of(OrderType))
    client_order_id = filters.CharFilter()
    created_since = UtcFilter(field_name="created_at", lookup_expr="gte", label="Inclusive.")
    created_until = UtcFilter(field_name="created_at", lookup_expr="lt", label="Exclusive.")


class FillFilter(filters.FilterSet):  # type: ignore[misc]
    order = filters.UUIDFilter(field_name="order_id")
    portfolio = filters.UUIDFilter(field_name="order__portfolio_id")
    strategy = filters.UUIDFilter(field_name="order__strategy_id")
    symbol = filters.CharFilter(field_name="order__instrument__symbol")
    side = filters.ChoiceFilter(choices=choices_of(Side))
    since = UtcFilter(field_name="executed_at", lookup_expr="gte", label="Market time, inclusive.")
    until = UtcFilter(field_name="executed_at", lookup_expr="lt", label="Market time, exclusive.")
