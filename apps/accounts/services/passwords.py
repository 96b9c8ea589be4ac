"""Confirming, changing and resetting passwords."""

from __future__ import annotations

import structlog
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from apps.accounts.errors import InvalidAccount, SignInRefused
from apps.accounts.models import Action, User
from apps.accounts.services.access import access_changed
from apps.accounts.services.audit import audit
from apps.accounts.services.lockout import password_checked
from apps.common.jobs import enqueue

log = structlog.get_logger(__name__)
LETTER_SECONDS = 3600
"""How long a letter may wait for a worker."""


def password_confirm(*, user: User, password: str, request: HttpRequest) -> None:
    """Check that whoever is asking knows the account's password; raise InvalidAccount, or Locked after too many.

    Wrong ones count like wrong sign-ins: who has found an open browser or a token cannot guess on from there.
    """
    try:
        password_checked(username=user.username, password=password, request=request)
    except SignInRefused as error:
        audit(Action.PASSWORD_REFUSED, user=user)
        raise InvalidAccount({"current_password": ["This is not your current password."]}) from error


@transaction.atomic
def password_change(*, user: User, new_password: str) -> None:
    """Set a new password and end every session and token that the old one has given; raise InvalidAccount."""
    changed = User.objects.select_for_update().get(pk=user.pk)
    _set(changed, new_password)
    audit(Action.PASSWORD_CHANGED, user=changed, target=changed)


@transaction.atomic
def password_reset_ask(*, email: str) -> None:
    """Send a letter with a reset link to the account of this address; do nothing, and tell nothing, without one."""
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    audit(Action.RESET_ASKED, name=email, target=user)
    if user is not None:
        enqueue("accounts.send_password_reset", user.pk, expires=LETTER_SECONDS)


@transaction.atomic
def password_reset(*, token: str, new_password: str) -> User:
    """Set a new password by the token of a letter, which works once; raise SignInRefused or InvalidAccount."""
    user = _user_of(token)
    _set(user, new_password)
    audit(Action.PASSWORD_CHANGED, user=user, target=user, by="letter")
    return user


def reset_token(user: User) -> str:
    """Return what a letter's link carries; it is useless after an hour, a sign-in or a change of the password."""
    return f"{urlsafe_base64_encode(str(user.pk).encode())}.{default_token_generator.make_token(user)}"


def _user_of(token: str) -> User:
    refused = SignInRefused("This link is not valid, or no longer; ask for another.", code="link_not_valid")
    encoded, _, proof = token.partition(".")
    try:
        user_id = int(force_str(urlsafe_base64_decode(encoded)))
    except (ValueError, UnicodeError) as error:
        raise refused from error
    user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
    if user is None or not default_token_generator.check_token(user, proof):
        raise refused
    return user


def _set(user: User, new_password: str) -> None:
    try:
        validate_password(new_password, user)
    except ValidationError as error:
        raise InvalidAccount.of(error, "new_password") from error
    user.set_password(new_password)
    user.save(update_fields=["password"])
    access_changed(user)
