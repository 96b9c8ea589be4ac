from __future__ import annotations

import django_filters as filters
from django.db.models import QuerySet

from algotrendy.trading.signals import Action
from apps.common.api.filters import TruthFilter, UtcFilter
from apps.common.models import choices_of
from apps.strategies.models import JobStatus, SignalOutcome, SignalSource, Strategy


class StrategyFilter(filters.FilterSet):  # type: ignore[misc]
    portfolio = filters.UUIDFilter(field_name="portfolio_id")
    symbol = filters.CharFilter(field_name="instrument__symbol")
    rule = filters.CharFilter()
    enabled = TruthFilter()
    archived = TruthFilter(
        field_name="archived_at", lookup_expr="isnull", exclude=True, label="Only those in the archive, or outside it."
    )

    def filter_queryset(self, queryset: QuerySet[Strategy]) -> QuerySet[Strategy]:
        """Leave out the archive unless it is asked for."""
        if self.form.cleaned_data.get("archived") is None:
            queryset = queryset.filter(archived_at__isnull=True)
        found: QuerySet[Strategy] = super().filter_queryset(queryset)
        return found


class SignalFilter(filters.FilterSet):  # type: ignore[misc]
    strategy = filters.UUIDFilter(field_name="strategy_id")
    symbol = filters.CharFilter(field_name="strategy__instrument__symbol")
    action = filters.ChoiceFilter(choices=choices_of(Action))
    outcome = filters.ChoiceFilter(choices=SignalOutcome.choices)
    source = filters.ChoiceFilter(choices=SignalSource.choices)
    since = UtcFilter(field_name="at", lookup_expr="gte", label="Market time, inclusive.")
    until = UtcFilter(field_name="at", lookup_expr="lt", label="Market time, exclusive.")


class BacktestFilter(filters.FilterSet):  # type: ignore[misc]
    strategy = filters.UUIDFilter(field_name="strategy_id")
    symbol = filters.CharFilter(field_name="instruments__symbol", distinct=True)
    rule = filters.CharFilter()
    timeframe = filters.CharFilter()
    status = filters.ChoiceFilter(choices=JobStatus.choices)
    since = UtcFilter(field_name="created_at", lookup_expr="gte", label="Asked for, inclusive.")
    until = UtcFilter(field_name="created_at", lookup_expr="lt", label="Asked for, exclusive.")


class OptimizationFilter(filters.FilterSet):  # type: ignore[misc]
    strategy = filters.UUIDFilter(field_name="strategy_id")
    symbol = filters.CharFilter(field_name="instruments__symbol", distinct=True)
    rule = filters.CharFilter()
    search = filters.CharFilter()
    status = filters.ChoiceFilter(choices=JobStatus.choices)
    since = UtcFilter(field_name="created_at", lookup_expr="gte", label="Asked for, inclusive.")
    until = UtcFilter(field_name="created_at", lookup_expr="lt", label="Asked for, exclusive.")
