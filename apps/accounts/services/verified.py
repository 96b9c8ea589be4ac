"""Access tokens whose signature this process has verified: it cannot change, so it is not computed for every request.

Only what the signature covers is remembered, under the token's digest and until the token expires. Whether account,
version and sign-in are still good is asked on every request (see `access`).
"""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass

from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken

from apps.accounts.errors import SignInRefused

VERSION, SESSION = "ver", "sid"
"""The claims of a token: the account's `token_version` and the sign-in's id."""
MOST_VERIFIED = 5000
_verified: dict[bytes, Claims] = {}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, and the epoch second from which on it says nothing any more."""

    user_id: int
    version: int
    session_id: str
    expires_at: int


def claims_of(token: str) -> Claims:
    """Return the claims of an access token; raise SignInRefused where it is forged, misused or expired."""
    digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
    known = _verified.get(digest)
    if known is not None and time.time() < known.expires_at:
        return known
    claims = _verify(token)
    if len(_verified) >= MOST_VERIFIED:
        _verified.clear()
    _verified[digest] = claims
    return claims


def _verify(token: str) -> Claims:
    try:
        claims = AccessToken(token).payload  # type: ignore[arg-type]
        session_id = str(uuid.UUID(claims[SESSION]))
        return Claims(int(claims["user_id"]), int(claims[VERSION]), session_id, int(claims["exp"]))
    except (TokenError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise SignInRefused("The token is not valid, or no longer.", code="token_not_valid") from error
