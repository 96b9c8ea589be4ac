"""Who signs a request: an access token, an API key, or the console's session."""

from __future__ import annotations

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from algotrendy.trading.errors import TradingError
from apps.accounts.errors import SignInRefused
from apps.accounts.models import ApiKey, User
from apps.accounts.services.api_keys import api_key_admit
from apps.accounts.services.sessions import token_admit
from apps.common.client_ip import client_ip
from apps.common.origin import identify

CHALLENGE = 'Bearer realm="api"'
KEY_HEADER = "X-API-Key"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer` and an access token."""

    def authenticate(self, request: Request) -> tuple[User, str] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return token_admit(token=token.strip()), token
        except SignInRefused as error:
            raise _failed(error) from error

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class KeyAuthentication(BaseAuthentication):
    """`X-API-Key` and a key; `request.auth` is the key, which says how far it reaches."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        text = request.headers.get(KEY_HEADER)
        if text is None:
            return None
        try:
            return api_key_admit(text=text, ip=client_ip(request._request))
        except SignInRefused as error:
            raise _failed(error) from error

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class ConsoleAuthentication(SessionAuthentication):
    """The session of somebody signed in to the console, with Django's token against forged requests."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        found = super().authenticate(request)
        if found is not None:
            identify(via="console", user_id=found[0].pk, username=found[0].get_username())
        return found


def _failed(error: TradingError) -> AuthenticationFailed:
    return AuthenticationFailed(error.message, code=error.code)


class _TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From /api/auth/login."}


class _KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "header", "name": KEY_HEADER, "description": "From /api/api-keys."}


class _ConsoleScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = ConsoleAuthentication
    name = "console"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
