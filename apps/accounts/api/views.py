"""Signing in and out, and one's own account."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.errors import SignInRefused
from apps.common.api.errors import answer_with
from apps.common.api.permissions import AUTHENTICATED, PUBLIC
from apps.common.api.throttling import LOGIN
from apps.common.api.views import ApiView, checked

from .requests import signed_in
from .serializers import (
    AccountChangeSerializer,
    AccountSerializer,
    RefreshSerializer,
    SessionSerializer,
    SignInSerializer,
)

answer_with(SignInRefused, 401)


class SignInView(ApiView):
    authentication_classes = []
    access = {"POST": PUBLIC}
    rate_scope = LOGIN
    problems = {"POST": (401,)}

    @extend_schema(operation_id="auth_login", request=SignInSerializer, responses={200: SessionSerializer})
    def post(self, request: Request) -> Response:
        """Sign in by user name or e-mail address."""
        session = services.sign_in(**checked(SignInSerializer, request), request=request._request)
        return Response(SessionSerializer(session).data)


class RefreshView(ApiView):
    authentication_classes = []
    access = {"POST": PUBLIC}
    problems = {"POST": (401,)}

    @extend_schema(operation_id="auth_refresh", request=RefreshSerializer, responses={200: SessionSerializer})
    def post(self, request: Request) -> Response:
        """Exchange a refresh token, once, for a new pair."""
        session = services.session_refresh(**checked(RefreshSerializer, request))
        return Response(SessionSerializer(session).data)


class SignOutView(ApiView):
    authentication_classes = []
    access = {"POST": PUBLIC}
    problems = {"POST": (401,)}

    @extend_schema(operation_id="auth_logout", request=RefreshSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Sign out: the refresh token works no more; who holds it may do this, also when the access token is over."""
        services.session_end(**checked(RefreshSerializer, request))
        return Response(status=204)


class AccountView(ApiView):
    access = {"GET": AUTHENTICATED, "PATCH": AUTHENTICATED}

    @extend_schema(operation_id="auth_me", responses={200: AccountSerializer})
    def get(self, request: Request) -> Response:
        """Show one's own account."""
        return Response(AccountSerializer(signed_in(request)).data)

    @extend_schema(operation_id="auth_me_change", request=AccountChangeSerializer, responses={200: AccountSerializer})
    def patch(self, request: Request) -> Response:
        """Change one's own account; a new password ends every session."""
        changes = checked(AccountChangeSerializer, request)
        user = services.account_change(user=signed_in(request), **changes)
        return Response(AccountSerializer(user).data)
