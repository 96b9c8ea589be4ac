"""Accounts that people make for themselves, where the platform's owner has opened registration."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone

from apps.accounts.errors import NotAllowed, SignInRefused
from apps.accounts.models import Action, Role, User
from apps.accounts.services.access import access_changed
from apps.accounts.services.audit import audit
from apps.accounts.services.users import user_create
from apps.common.jobs import enqueue

log = structlog.get_logger(__name__)
LETTER_SECONDS = 3600
SALT = "algotrendy.email"
LINK_DAYS = 3


@transaction.atomic
def register(*, username: str, email: str, password: str, time_zone: str = "UTC") -> None:
    """Make an account that works as soon as the letter to its address is opened.

    Whether an address has an account already is told to nobody but its owner, by letter. Raises NotAllowed while
    registration is closed, InvalidAccount.
    """
    if not settings.REGISTRATION_OPEN:
        raise NotAllowed("Registration is closed; ask an administrator for an account.", code="registration_closed")
    role = Role(settings.REGISTRATION_ROLE)
    known = User.objects.filter(email__iexact=email.strip()).first()
    if known is not None:
        audit(Action.REGISTERED, name=username, known_address=True)
        enqueue("accounts.send_known_address", known.pk, expires=LETTER_SECONDS)
        return
    user = user_create(
        username=username, email=email, password=password, role=role, time_zone=time_zone, awaits_verification=True
    )
    audit(Action.REGISTERED, user=user, target=user)
    enqueue("accounts.send_verification", user.pk, expires=LETTER_SECONDS)


@transaction.atomic
def verification_resend(*, email: str) -> None:
    """Send the letter once more; do nothing, and tell nothing, where there is none to send."""
    user = User.objects.filter(email__iexact=email.strip(), awaits_verification=True, is_active=True).first()
    if user is not None:
        enqueue("accounts.send_verification", user.pk, expires=LETTER_SECONDS)


@transaction.atomic
def email_verify(*, token: str) -> User:
    """Take the token of a letter as proof of the address; raise SignInRefused."""
    refused = SignInRefused("This link is not valid, or no longer; ask for another.", code="link_not_valid")
    try:
        user_id, email = signing.loads(token, salt=SALT, max_age=LINK_DAYS * 86_400)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise refused from error
    user = User.objects.select_for_update().filter(pk=user_id, email=email, is_active=True).first()
    if user is None:
        raise refused
    if user.awaits_verification or user.email_verified_at is None:
        user.awaits_verification, user.email_verified_at = False, timezone.now()
        user.save(update_fields=["awaits_verification", "email_verified_at"])
        access_changed(user, ends_sessions=False)
        audit(Action.VERIFIED, user=user, target=user)
    return user


def verification_token(user: User) -> str:
    """Return what the letter's link carries: this account, and this address of it."""
    return signing.dumps([user.pk, user.email], salt=SALT)
