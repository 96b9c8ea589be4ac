"""One's own account: details, sign-ins, second factor."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import selectors, services
from apps.accounts.api.requests import signed_in
from apps.accounts.api.serializers.keys import without_password
from apps.accounts.api.serializers.signing_in import (
    BackupCodesSerializer,
    EnrollmentSerializer,
    MfaCodeSerializer,
    MfaProofSerializer,
    MfaStateSerializer,
    PasswordSerializer,
)
from apps.accounts.api.serializers.users import AccountChangeSerializer, AccountSerializer, ApiSessionSerializer
from apps.accounts.models import ApiSession
from apps.common.api.permissions import AUTHENTICATED
from apps.common.api.throttling import LOGIN
from apps.common.api.views import ApiView, ListView, checked, row_or_404
from apps.common.origin import current_origin


class AccountView(ApiView):
    access = {"GET": AUTHENTICATED, "PATCH": AUTHENTICATED}
    open_to_keys = ("GET",)
    open_before_mfa = True

    @extend_schema(operation_id="auth_me", responses={200: AccountSerializer})
    def get(self, request: Request) -> Response:
        """Show one's own account."""
        return Response(AccountSerializer(signed_in(request)).data)

    @extend_schema(operation_id="auth_me_change", request=AccountChangeSerializer, responses={200: AccountSerializer})
    def patch(self, request: Request) -> Response:
        """Change one's own names, time zone or e-mail address; a new address asks for the password."""
        changes, password = without_password(checked(AccountChangeSerializer, request))
        user = signed_in(request)
        if "email" in changes:
            services.password_confirm(user=user, password=password, request=request._request)
        return Response(AccountSerializer(services.account_change(user=user, **changes)).data)


class SessionsView(ListView):
    """One's own sign-ins to the API, newest first."""

    access = {"GET": AUTHENTICATED, "DELETE": AUTHENTICATED}
    serializer_class = ApiSessionSerializer

    def rows(self) -> QuerySet[ApiSession]:
        return selectors.sessions_of(signed_in(self.request))

    def get_serializer_context(self) -> dict[str, object]:
        return {**super().get_serializer_context(), "session_id": current_origin().credential}

    @extend_schema(operation_id="auth_sessions_end", responses={204: None})
    def delete(self, request: Request) -> Response:
        """End all of one's sign-ins to the API, this one too."""
        services.sessions_close(user=signed_in(request))
        return Response(status=204)


class SessionView(ApiView):
    access = {"DELETE": AUTHENTICATED}

    @extend_schema(operation_id="auth_session_end", responses={204: None})
    def delete(self, request: Request, session_id: uuid.UUID) -> Response:
        """End one of one's sign-ins to the API."""
        session = row_or_404(selectors.sessions_of(signed_in(request)), session_id)
        services.session_close(session=session)
        return Response(status=204)


class MfaView(ApiView):
    access = {"GET": AUTHENTICATED}
    open_before_mfa = True

    @extend_schema(operation_id="auth_mfa", responses={200: MfaStateSerializer})
    def get(self, request: Request) -> Response:
        """Tell whether one's account has a second factor."""
        return Response(MfaStateSerializer(selectors.mfa_state(signed_in(request))).data)


class MfaEnrollView(ApiView):
    access = {"POST": AUTHENTICATED}
    open_before_mfa = True
    rate_scope = LOGIN
    problems = {"POST": (409,)}

    @extend_schema(operation_id="auth_mfa_enroll", request=PasswordSerializer, responses={200: EnrollmentSerializer})
    def post(self, request: Request) -> Response:
        """Begin setting up a second factor: show the QR code to an authenticator app, then send its first code."""
        user, given = signed_in(request), checked(PasswordSerializer, request)
        services.password_confirm(user=user, password=given["current_password"], request=request._request)
        return Response(EnrollmentSerializer(services.mfa_enroll(user=user)).data)


class MfaVerifyView(ApiView):
    access = {"POST": AUTHENTICATED}
    open_before_mfa = True
    rate_scope = LOGIN
    problems = {"POST": (409,)}

    @extend_schema(operation_id="auth_mfa_verify", request=MfaCodeSerializer, responses={200: BackupCodesSerializer})
    def post(self, request: Request) -> Response:
        """Switch the second factor on with the app's first code; the backup codes are shown this once."""
        codes = services.mfa_confirm(user=signed_in(request), **checked(MfaCodeSerializer, request))
        return Response({"backup_codes": codes})


class MfaDisableView(ApiView):
    access = {"POST": AUTHENTICATED}
    rate_scope = LOGIN
    problems = {"POST": (409,)}

    @extend_schema(operation_id="auth_mfa_disable", request=MfaProofSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Switch the second factor off."""
        user, given = signed_in(request), checked(MfaProofSerializer, request)
        services.password_confirm(user=user, password=given["current_password"], request=request._request)
        services.mfa_check(user=user, code=given["code"])
        services.mfa_disable(user=user)
        return Response(status=204)


class BackupCodesView(ApiView):
    access = {"POST": AUTHENTICATED}
    rate_scope = LOGIN
    problems = {"POST": (409,)}

    @extend_schema(
        operation_id="auth_mfa_backup_codes", request=MfaProofSerializer, responses={200: BackupCodesSerializer}
    )
    def post(self, request: Request) -> Response:
        """Replace the backup codes; the old ones work no more."""
        user, given = signed_in(request), checked(MfaProofSerializer, request)
        services.password_confirm(user=user, password=given["current_password"], request=request._request)
        services.mfa_check(user=user, code=given["code"])
        return Response({"backup_codes": services.backup_codes_renew(user=user)})
