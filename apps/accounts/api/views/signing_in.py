"""Signing in and out, registering, and passwords."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api.requests import signed_in
from apps.accounts.api.serializers.signing_in import (
    ChallengeAnswerSerializer,
    ChallengeSerializer,
    EmailSerializer,
    LetterTokenSerializer,
    PasswordChangeSerializer,
    PasswordResetSerializer,
    RefreshSerializer,
    RegisterSerializer,
    SentSerializer,
    SessionSerializer,
    SignInSerializer,
)
from apps.common.api.permissions import AUTHENTICATED, PUBLIC
from apps.common.api.throttling import LOGIN, REGISTER
from apps.common.api.views import ApiView, checked

SENT = {"detail": "If there is something to send, a letter is on its way."}


class AnonymousView(ApiView):
    """Taken from anybody; who is signed in makes no difference."""

    authentication_classes = []
    access = {"POST": PUBLIC}


class SignInView(AnonymousView):
    rate_scope = LOGIN
    problems = {"POST": (401, 403)}

    @extend_schema(
        operation_id="auth_login",
        request=SignInSerializer,
        responses={200: SessionSerializer, 202: ChallengeSerializer},
    )
    def post(self, request: Request) -> Response:
        """Sign in by user name or e-mail address; with a second factor the answer is a challenge (202)."""
        outcome = services.sign_in(**checked(SignInSerializer, request), request=request._request)
        if isinstance(outcome, services.Challenge):
            return Response(ChallengeSerializer(outcome).data, status=202)
        return Response(SessionSerializer(outcome).data)


class ChallengeView(AnonymousView):
    rate_scope = LOGIN
    problems = {"POST": (401,)}

    @extend_schema(
        operation_id="auth_mfa_challenge", request=ChallengeAnswerSerializer, responses={200: SessionSerializer}
    )
    def post(self, request: Request) -> Response:
        """Finish signing in with a one-time password or a backup code."""
        return Response(
            SessionSerializer(services.challenge_answer(**checked(ChallengeAnswerSerializer, request))).data
        )


class RefreshView(AnonymousView):
    problems = {"POST": (401,)}

    @extend_schema(operation_id="auth_refresh", request=RefreshSerializer, responses={200: SessionSerializer})
    def post(self, request: Request) -> Response:
        """Exchange a refresh token, once, for a new pair; one that comes back a second time ends the sign-in."""
        session = services.session_refresh(**checked(RefreshSerializer, request))
        return Response(SessionSerializer(session).data)


class SignOutView(AnonymousView):
    problems = {"POST": (401,)}

    @extend_schema(operation_id="auth_logout", request=RefreshSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Sign out: the sign-in's tokens work no more, access tokens among them."""
        services.session_end(**checked(RefreshSerializer, request))
        return Response(status=204)


class RegisterView(AnonymousView):
    rate_scope = REGISTER
    problems = {"POST": (403,)}

    @extend_schema(operation_id="auth_register", request=RegisterSerializer, responses={202: SentSerializer})
    def post(self, request: Request) -> Response:
        """Make an account for oneself, where registration is open; it works once the letter's link was opened."""
        services.register(**checked(RegisterSerializer, request))
        return Response(SENT, status=202)


class ResendView(AnonymousView):
    rate_scope = REGISTER

    @extend_schema(operation_id="auth_register_resend", request=EmailSerializer, responses={202: SentSerializer})
    def post(self, request: Request) -> Response:
        """Send the letter that confirms an address once more."""
        services.verification_resend(**checked(EmailSerializer, request))
        return Response(SENT, status=202)


class VerifyView(AnonymousView):
    rate_scope = LOGIN
    problems = {"POST": (401,)}

    @extend_schema(operation_id="auth_verify_email", request=LetterTokenSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Confirm an e-mail address by the token of the letter."""
        services.email_verify(**checked(LetterTokenSerializer, request))
        return Response(status=204)


class PasswordResetAskView(AnonymousView):
    rate_scope = REGISTER

    @extend_schema(operation_id="auth_password_reset", request=EmailSerializer, responses={202: SentSerializer})
    def post(self, request: Request) -> Response:
        """Have a letter sent that sets a new password."""
        services.password_reset_ask(**checked(EmailSerializer, request))
        return Response(SENT, status=202)


class PasswordResetView(AnonymousView):
    rate_scope = LOGIN
    problems = {"POST": (401,)}

    @extend_schema(operation_id="auth_password_reset_confirm", request=PasswordResetSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Set a new password by the token of the letter; every session ends."""
        services.password_reset(**checked(PasswordResetSerializer, request))
        return Response(status=204)


class PasswordView(ApiView):
    access = {"POST": AUTHENTICATED}
    open_before_mfa = True

    @extend_schema(operation_id="auth_password_change", request=PasswordChangeSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Change one's own password; every session and token ends, that of this request too."""
        given = checked(PasswordChangeSerializer, request)
        user = signed_in(request)
        services.password_confirm(user=user, password=given["current_password"], request=request._request)
        services.password_change(user=user, new_password=given["new_password"])
        return Response(status=204)
