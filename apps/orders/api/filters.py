from __future__ import annotations

import django_filters as filters
from django.db.models import QuerySet

from algotrendy.trading.orders import WORKING, OrderStatus
from algotrendy.trading.values import OrderType, Side
from apps.common.api.filters import UtcFilter
from apps.common.models import choices_of
from apps.marketdata.api.filters import SymbolFilter
from apps.orders.models import Order, OrderRole

ANY_WORKING = "working"
STATUSES = [*choices_of(OrderStatus), (ANY_WORKING, "Working")]


class OrderFilter(filters.FilterSet):  # type: ignore[misc]
    status = filters.MultipleChoiceFilter(
        choices=STATUSES, method="with_status", distinct=False,
        label="Repeat it for any of several; working is all of those in which an order can still trade.",
    )  # fmt: skip
    symbol = SymbolFilter(field_name="instrument")
    portfolio = filters.UUIDFilter(field_name="portfolio_id")
    strategy = filters.UUIDFilter(field_name="strategy_id")
    side = filters.ChoiceFilter(choices=choices_of(Side))
    type = filters.ChoiceFilter(choices=choices_of(OrderType))
    role = filters.ChoiceFilter(choices=OrderRole.choices)
    client_order_id = filters.CharFilter()
    parent = filters.UUIDFilter(field_name="parent_id", label="The order that it protects or waits for.")
    group = filters.CharFilter(field_name="oco_group", label="The first fill cancels the group's others.")
    created_since = UtcFilter(field_name="created_at", lookup_expr="gte", label="Inclusive.")
    created_until = UtcFilter(field_name="created_at", lookup_expr="lt", label="Exclusive.")

    def with_status(self, rows: QuerySet[Order], name: str, wanted: list[str]) -> QuerySet[Order]:
        chosen = {*wanted, *(WORKING if ANY_WORKING in wanted else ())} - {ANY_WORKING}
        return rows.filter(status__in=sorted(chosen)) if chosen else rows


class FillFilter(filters.FilterSet):  # type: ignore[misc]
    order = filters.UUIDFilter(field_name="order_id")
    portfolio = filters.UUIDFilter(field_name="order__portfolio_id")
    strategy = filters.UUIDFilter(field_name="order__strategy_id")
    symbol = filters.CharFilter(field_name="order__instrument__symbol")
    side = filters.ChoiceFilter(choices=choices_of(Side))
    since = UtcFilter(field_name="executed_at", lookup_expr="gte", label="Market time, inclusive.")
    until = UtcFilter(field_name="executed_at", lookup_expr="lt", label="Market time, exclusive.")
