"""Filters of the lists of administrators."""

from __future__ import annotations

import ipaddress
from typing import Any

import django_filters
from django.db.models import QuerySet

from apps.accounts.models import Action, AuditEvent, Role, Tier, User, Via
from apps.common.api.filters import TruthFilter, UtcFilter


class UserFilter(django_filters.FilterSet):  # type: ignore[misc]
    username = django_filters.CharFilter(lookup_expr="icontains")
    role = django_filters.ChoiceFilter(choices=Role.choices, method="with_role")
    tier = django_filters.ChoiceFilter(choices=Tier.choices)
    is_active = TruthFilter()

    class Meta:
        model = User
        fields: list[str] = []

    def with_role(self, users: QuerySet[User], name: str, role: str) -> QuerySet[User]:
        return users.filter(groups__name=role)


class AuditFilter(django_filters.FilterSet):  # type: ignore[misc]
    action = django_filters.ChoiceFilter(choices=Action.choices)
    user_id = django_filters.NumberFilter(min_value=1, max_value=2**63 - 1)
    username = django_filters.CharFilter()
    via = django_filters.ChoiceFilter(choices=Via.choices)
    ip = django_filters.CharFilter(method="from_address")
    target_id = django_filters.CharFilter()
    correlation_id = django_filters.CharFilter()
    since = UtcFilter(field_name="at", lookup_expr="gte")
    until = UtcFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = AuditEvent
        fields: list[str] = []

    def from_address(self, events: QuerySet[Any], name: str, address: str) -> QuerySet[Any]:
        return events.filter(ip=address) if _is_address(address) else events.none()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
