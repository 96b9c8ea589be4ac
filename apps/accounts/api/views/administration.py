"""What administrators do: accounts and the audit trail."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import selectors, services
from apps.accounts.api.filters import AuditFilter, UserFilter
from apps.accounts.api.requests import signed_in
from apps.accounts.api.serializers.users import (
    AuditEventSerializer,
    UserChangeSerializer,
    UserCreateSerializer,
    UserSerializer,
)
from apps.accounts.models import AuditEvent, Role, User
from apps.common.api.views import ApiView, ListView, checked


class UsersView(ListView):
    """All accounts, in the order in which they were made."""

    access = {"GET": "accounts.view_user", "POST": "accounts.add_user"}
    serializer_class = UserSerializer
    filterset_class = UserFilter
    keyset = ("id",)

    def rows(self) -> QuerySet[User]:
        return selectors.users_visible(signed_in(self.request))

    @extend_schema(operation_id="users_create", request=UserCreateSerializer, responses={201: UserSerializer})
    def post(self, request: Request) -> Response:
        """Make an account."""
        given = checked(UserCreateSerializer, request)
        user = services.user_create(**{**given, "role": Role(given["role"])})
        return Response(UserSerializer(user).data, status=201)


class UserView(ApiView):
    access = {"GET": "accounts.view_user", "PATCH": "accounts.change_user"}

    @extend_schema(operation_id="users_get", responses={200: UserSerializer})
    def get(self, request: Request, user_id: int) -> Response:
        """Show an account."""
        return Response(UserSerializer(_user(request, user_id)).data)

    @extend_schema(operation_id="users_change", request=UserChangeSerializer, responses={200: UserSerializer})
    def patch(self, request: Request, user_id: int) -> Response:
        """Change what an account may do; it takes effect at once."""
        changes = checked(UserChangeSerializer, request)
        role = Role(changes.pop("role")) if "role" in changes else None
        user = services.user_change(user=_user(request, user_id), actor=signed_in(request), role=role, **changes)
        return Response(UserSerializer(user).data)


class AuditView(ListView):
    """What was done by whom, newest first."""

    access = {"GET": "accounts.view_auditevent"}
    serializer_class = AuditEventSerializer
    filterset_class = AuditFilter
    keyset = ("-id",)

    def rows(self) -> QuerySet[AuditEvent]:
        return selectors.audit_visible(signed_in(self.request))


def _user(request: Request, user_id: int) -> User:
    user = selectors.users_visible(signed_in(request)).filter(pk=user_id).first()
    if user is None:
        raise Http404
    return user
