"""Signing in to the API: short-lived access tokens, and refresh tokens that work once.

All refresh tokens of one sign-in are a family (`ApiSession`), of which the newest one is good. An older one that comes
back was copied by somebody: it ends the family, and with it the access tokens.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import update_last_login
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from apps.accounts.errors import NotAllowed, SignInRefused
from apps.accounts.metrics import SIGN_INS
from apps.accounts.models import Action, ApiSession, User
from apps.accounts.services.access import access_changed, admit, session_ended
from apps.accounts.services.audit import audit
from apps.accounts.services.lockout import password_checked
from apps.accounts.services.mfa import mfa_check
from apps.accounts.services.verified import SESSION, VERSION, claims_of
from apps.common.origin import current_origin, identify

log = structlog.get_logger(__name__)


class ChallengeToken(Token):
    """Says that the password was right, and that the second factor is still to come."""

    token_type = "mfa_challenge"  # noqa: S105 (a kind of token)
    lifetime = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Session:
    """What a client signs its requests with."""

    access: str
    refresh: str
    user: User


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a client sends back together with a one-time password."""

    challenge: str
    expires_in: int


def sign_in(*, username: str, password: str, request: HttpRequest) -> Session | Challenge:
    """Return tokens for the user of that name or e-mail address, or a challenge where there is a second factor.

    Raises SignInRefused, always in the same words, Locked, or NotAllowed where the e-mail address is not verified yet.
    """
    user = password_checked(username=username, password=password, request=request)
    require_verified(user)
    if user.has_mfa:
        SIGN_INS.labels("mfa_asked").inc()
        token = ChallengeToken.for_user(user)
        token[VERSION] = user.token_version
        return Challenge(str(token), int(ChallengeToken.lifetime.total_seconds()))
    return session_begin(user=user)


def challenge_answer(*, challenge: str, code: str) -> Session:
    """Return tokens for a challenge and its one-time password or backup code; raise SignInRefused or Locked."""
    try:
        token = ChallengeToken(challenge)  # type: ignore[arg-type]
    except TokenError as error:
        raise SignInRefused("The challenge is over; sign in again.", code="challenge_over") from error
    user = User.objects.filter(pk=token["user_id"], is_active=True, token_version=token[VERSION]).first()
    if user is None or not user.has_mfa:
        raise SignInRefused("The challenge is over; sign in again.", code="challenge_over")
    mfa_check(user=user, code=code)
    return session_begin(user=user)


def token_admit(*, token: str) -> User:
    """Return the user of an access token; raise SignInRefused."""
    claims = claims_of(token)
    user = admit(user_id=claims.user_id, version=claims.version, session_id=claims.session_id)
    identify(via="token", credential=claims.session_id, user_id=user.pk, username=user.username)
    return user


@transaction.atomic
def session_begin(*, user: User) -> Session:
    """Return the tokens of a new sign-in, and record it."""
    now = timezone.now()
    origin = current_origin()
    session = ApiSession(user=user, ip=origin.ip, user_agent=origin.user_agent, used_at=now)
    tokens = _tokens(user, session)
    session.save(force_insert=True)
    update_last_login(None, user)  # type: ignore[arg-type]
    identify(via="token", user_id=user.pk, username=user.username, credential=str(session.pk))
    audit(Action.SIGNED_IN, user=user, to="API")
    SIGN_INS.labels("accepted").inc()
    return tokens


def session_refresh(*, refresh: str) -> Session:
    """Return new tokens for a refresh token, which is used up by it; raise SignInRefused."""
    renewed = _renewed(refresh)
    if renewed is None:
        raise SignInRefused("This refresh token was used before; its sign-in has been ended.", code="token_reused")
    return renewed


@transaction.atomic
def session_end(*, refresh: str) -> None:
    """End the sign-in of a refresh token, with all its tokens; raise SignInRefused where it is ended already."""
    _, session = _session_of(refresh)
    _end(session)
    audit(Action.SIGNED_OUT, user=session.user)


@transaction.atomic
def session_close(*, session: ApiSession) -> None:
    """End one of one's sign-ins from another; ending it twice is no fault."""
    session = ApiSession.objects.select_for_update().get(pk=session.pk)
    if session.ended_at is None:
        _end(session)
        audit(Action.SESSION_ENDED, target=session)


@transaction.atomic
def sessions_close(*, user: User) -> int:
    """End all of a user's sign-ins to the API; return how many there were."""
    ended = ApiSession.objects.filter(user=user, ended_at=None).update(ended_at=timezone.now())
    access_changed(user)
    audit(Action.SESSION_ENDED, target=user, sessions=ended)
    return ended


def require_verified(user: User) -> None:
    """Raise NotAllowed for one who registered and has not opened the letter yet."""
    if user.awaits_verification:
        raise NotAllowed("Open the letter that was sent to your address, then sign in.", code="email_not_verified")


@transaction.atomic
def _renewed(refresh: str) -> Session | None:
    """Return the family's next tokens; None, and the family's end, where the token was not its newest."""
    token, session = _session_of(refresh)
    if token["jti"] != session.token_id:
        _end(session)
        audit(Action.TOKEN_REUSED, user=session.user, target=session)
        log.warning("refresh_token_reused", user=session.user_id, session=str(session.pk))
        return None
    session.used_at = timezone.now()
    tokens = _tokens(session.user, session)
    session.save(update_fields=["used_at", "token_id", "expires_at"])
    return tokens


def _session_of(refresh: str) -> tuple[RefreshToken, ApiSession]:
    """Return a token and its sign-in, locked; a changed account or an ended sign-in makes it bad."""
    refused = SignInRefused("The refresh token is not valid, or no longer.", code="token_not_valid")
    try:
        token = RefreshToken(refresh)  # type: ignore[arg-type]
        session_id = uuid.UUID(str(token.get(SESSION)))
    except (TokenError, ValueError) as error:
        raise refused from error
    locked = ApiSession.objects.select_for_update(of=("self",)).select_related("user")
    session = locked.filter(pk=session_id, ended_at=None, user__is_active=True).first()
    if session is None or token.get(VERSION) != session.user.token_version:
        raise refused
    return token, session


def _tokens(user: User, session: ApiSession) -> Session:
    refresh: Any = RefreshToken.for_user(user)
    refresh[VERSION], refresh[SESSION] = user.token_version, str(session.pk)
    session.token_id = refresh["jti"]
    session.expires_at = session.used_at + settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    access: AccessToken = refresh.access_token
    return Session(str(access), str(refresh), user)


def _end(session: ApiSession) -> None:
    session.ended_at = timezone.now()
    session.save(update_fields=["ended_at"])
    session_ended(session.pk)
