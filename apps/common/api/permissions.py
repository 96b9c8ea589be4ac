"""Nothing is allowed that was not declared: each view says, for each method, who may call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework.exceptions import MethodNotAllowed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

PUBLIC = "public"
"""Anybody, without signing in."""
AUTHENTICATED = "authenticated"
"""Any user; for what shows or changes only the user's own account."""


ENROLL_FIRST = "Administrators need a second factor here; set it up at /api/auth/mfa/enroll or on your account page."


class DeclaredPermission(BasePermission):
    """Allow what the view's `access` grants, and deny all else.

    `access = {"GET": "orders.view_order", "POST": "orders.add_order"}`: a Django permission, AUTHENTICATED or PUBLIC
    for each method. Which rows are seen is the selectors' business.

    A request signed with less than its user's full rights has an `auth` that says by `allows(needed, view, method)` how
    far it reaches. Administrators who must have a second factor, and have none, reach only what is `open_before_mfa`.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        method = str(request.method)
        if not answers(view, method):
            raise MethodNotAllowed(method)
        needed = needed_for(view, method)
        if needed == PUBLIC:
            return True
        if needed is None or not request.user.is_authenticated:
            return False
        if getattr(request.user, "must_enroll_mfa", False) and not getattr(view, "open_before_mfa", False):
            raise PermissionDenied(ENROLL_FIRST, code="mfa_enrollment_required")
        allows: Callable[[str, Any, str], bool] | None = getattr(request.auth, "allows", None)
        if allows is not None and not allows(needed, view, method):
            raise PermissionDenied("The API key's scopes do not reach this far.", code="api_key_scope")
        return needed == AUTHENTICATED or request.user.has_perm(needed)


def needed_for(view: Any, method: str) -> str | None:
    """Return what the view has declared for the method; HEAD is a GET without its body."""
    access: Mapping[str, str] = getattr(view, "access", {})
    return access.get("GET" if method == "HEAD" else method)


def answers(view: Any, method: str) -> bool:
    """Return whether the view has a handler for the method."""
    return method != "OPTIONS" and hasattr(view, method.lower())
