"""Who there is."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apps.accounts.models import Role, User


def admins() -> QuerySet[User]:
    """Return the administrators who can sign in, oldest first."""
    is_admin = Q(is_superuser=True) | Q(groups__name=Role.ADMIN.value)
    return User.objects.filter(is_admin, is_active=True).order_by("pk").distinct()
