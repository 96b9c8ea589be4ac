"""Who there is, and how often they may call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.accounts.models import RateLimit, Role, Tier, User


def admins() -> QuerySet[User]:
    """Return the administrators who can sign in, oldest first."""
    is_admin = Q(is_superuser=True) | Q(groups__name=Role.ADMIN.value)
    return User.objects.filter(is_admin, is_active=True).order_by("pk").distinct()


def rate_limit_overrides() -> dict[tuple[str, str], Sequence[str]]:
    """Return the rates that administrators have set, by tier and scope."""
    rows = RateLimit.objects.values_list("tier", "scope", "requests_per_minute", "burst_per_second")
    return {(tier, scope): [f"{minute}/m", f"{burst}/s"] for tier, scope, minute, burst in rows.iterator()}


def default_rates(tier: str, scope: str) -> Sequence[str]:
    """Return the settings' rates; a tier that they do not name has those of the lowest."""
    table: Mapping[str, Mapping[str, Sequence[str]]] = settings.RATE_LIMITS
    return table.get(tier, table[Tier.FREE])[scope]
