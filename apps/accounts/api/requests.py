"""Who asks."""

from __future__ import annotations

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from apps.accounts.models import User


def signed_in(request: Request) -> User:
    """Return the user behind a request that a permission has let through."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user
