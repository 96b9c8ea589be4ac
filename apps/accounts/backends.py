"""Sign-in by user name or by e-mail address, and administrators' permissions."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.http import HttpRequest

from .models import User
from .selectors import user_named


class UsernameOrEmailBackend(ModelBackend):
    """Accept either name; spend the same time on a name that does not exist.

    Administrators have every permission there is, those of models to come among them.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if not username or not password:
            return None
        user = user_named(username)
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None

    def _get_group_permissions(self, user_obj: User) -> QuerySet[Permission]:
        if user_obj.is_admin:
            return Permission.objects.all()
        permissions: QuerySet[Permission] = super()._get_group_permissions(user_obj)  # type: ignore[misc]
        return permissions
