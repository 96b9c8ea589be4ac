"""A request's user without any proof: what signing in costs is the difference to this."""

from __future__ import annotations

import functools
import os

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.accounts.models import User
from apps.accounts.services.access import with_access


class SameUser(BaseAuthentication):
    """Return the same user, who was read once, with all permissions at hand."""

    def authenticate(self, request: Request) -> tuple[User, None]:
        return _user(), None


@functools.cache
def _user() -> User:
    user = with_access().get(username=os.environ["BENCH_USER"])
    user.get_all_permissions()
    return user
