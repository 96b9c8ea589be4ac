"""Signing in to the API: short-lived access tokens, and refresh tokens that work once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import structlog
from django.contrib.auth import authenticate
from django.contrib.auth.models import update_last_login
from django.db import transaction
from django.http import HttpRequest
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken
from rest_framework_simplejwt.tokens import RefreshToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from apps.accounts.errors import SignInRefused
from apps.accounts.models import User

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Session:
    """What a client signs its requests with."""

    access: str
    refresh: str
    user: User


def sign_in(*, username: str, password: str, request: HttpRequest | None = None) -> Session:
    """Return tokens for the user of that name or e-mail address; raise SignInRefused, always in the same words."""
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        log.warning("sign_in_refused", username=username[:150])
        raise SignInRefused("User name or password is wrong.")
    update_last_login(User, user)
    token = RefreshToken.for_user(user)
    return Session(str(token.access_token), str(token), user)


@transaction.atomic
def session_refresh(*, refresh: str) -> Session:
    """Return new tokens for a refresh token, which is used up by it; raise SignInRefused."""
    token, user = _owner_of(refresh)
    _, is_first_use = cast(tuple[BlacklistedToken, bool], token.blacklist())
    if not is_first_use:
        raise SignInRefused("The refresh token has been used before.", code="token_not_valid")
    renewed = RefreshToken.for_user(user)
    return Session(str(renewed.access_token), str(renewed), user)


@transaction.atomic
def session_end(*, refresh: str) -> None:
    """Make a refresh token useless; raise SignInRefused where it is so already."""
    token, _ = _owner_of(refresh)
    token.blacklist()


def _owner_of(refresh: str) -> tuple[RefreshToken, User]:
    """Return a good refresh token and its user; a changed password or a switched-off account makes it bad."""
    refused = SignInRefused("The refresh token is not valid, or no longer.", code="token_not_valid")
    try:
        token = RefreshToken(refresh)  # type: ignore[arg-type]
    except TokenError as error:
        raise refused from error
    user = User.objects.filter(pk=token.payload[api_settings.USER_ID_CLAIM], is_active=True).first()
    if user is None or token.payload.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise refused
    return token, user
